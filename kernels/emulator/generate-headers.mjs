// Writes acl_emulator.h, the C declarations of the AscendCL + aclnn ABI, from abi.json; next to it acl_calls.inc,
// a call of every function with arguments of zero, for the tests that walk all functions; and headers under the
// names of the official ones (acl/acl.h, aclnnop/aclnn_add.h, ...) that lead to acl_emulator.h, so that a program
// written for CANN compiles where CANN is not.
//
//   node generate-headers.mjs abi.json build/root/include
//
// The libraries and the tests include only this header, so the compiler proves that every definition has
// the ABI's signature. To add a function or an enum, add it to abi.json. The dump group is left out: the
// emulator has none of it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

const [input, directory] = process.argv.slice(2)
if (!input || !directory) throw new Error('usage: generate-headers.mjs ABI_JSON DIRECTORY')
const abi = JSON.parse(readFileSync(input, 'utf8'))

const functions = abi.functions
  .filter(({ group }) => group !== 'dump')
  .map((row) => ({ ...row, return: row.return.replace('MSVP_PROF_API ', '') }))
const isIdentifier = (name) => /^[A-Za-z_]\w*$/.test(name)

// An enum whose name begins with "acl" is a C type; the others are constants for integer parameters,
// kept where their names are macros of the official headers.
const enums = Object.entries(abi.enums).map(([name, values]) => {
  const constants = Object.entries(values).filter(([key]) => isIdentifier(key) && /^ACL/.test(key))
  if (constants.length === 0) return ''
  const body = constants.map(([key, value]) => `  ${key} = ${value},`).join('\n')
  return name.startsWith('acl')
    ? `typedef enum ACL_ENUM_TYPE {\n${body}\n} ${name};\n`
    : `enum {\n${body}\n};\n`
})

const opaque = [
  'aclTensor',
  'aclScalar',
  'aclIntArray',
  'aclFloatArray',
  'aclBoolArray',
  'aclTensorList',
  'aclScalarList',
  'aclOpExecutor',
  'aclprofConfig',
  'aclprofAicoreEvents',
]
const voidPointers = ['aclrtStream', 'aclrtEvent', 'aclrtContext', 'aclmdlRI', 'aclrtTaskGrp']

const prototypes = functions.map(({ name, return: result, params }) => {
  const list = params.map((p) => `${p.type} ${p.name}`).join(', ') || 'void'
  return `ACL_FUNC_VISIBILITY ${result} ${name}(${list});`
})
// The setters of addresses have a second name each, with a capital letter.
const aliases = functions
  .filter(({ name }) => /^aclSet\w*(?<!Raw)TensorAddr$/.test(name))
  .map(({ name, return: result, params }) => {
    const list = params.map((p) => `${p.type} ${p.name}`).join(', ')
    return `ACL_FUNC_VISIBILITY ${result} A${name.slice(1)}(${list});`
  })
const codes = Object.entries(abi.error_codes).map(([name, code]) => `  ${name} = ${code},`)

const calls = functions.map(({ name, library, params }) => {
  const shortName = /^lib(ascendcl|nnopbase|opapi|msprofiler)/.exec(library)[1]
  return `ACL_CALL(${shortName}, ${name}, ${name}(${params.map(() => '{}').join(', ')}))`
})

mkdirSync(directory, { recursive: true })
writeFileSync(
  join(directory, 'acl_calls.inc'),
  `/* Generated from abi.json by generate-headers.mjs: do not edit.
 * C++ only: ACL_CALL(library, name, call). */
${calls.join('\n')}
`,
)
writeFileSync(
  join(directory, 'acl_emulator.h'),
  `/* Generated from abi.json by generate-headers.mjs: do not edit. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACL_FUNC_VISIBILITY __attribute__((visibility("default")))

/* In C++ an enum without a type has no values beyond its enumerators'; callers in C or by FFI have. */
#ifdef __cplusplus
#define ACL_ENUM_TYPE : int32_t
extern "C" {
#else
#define ACL_ENUM_TYPE
#endif

typedef int32_t aclError;
typedef int32_t aclnnStatus;
${voidPointers.map((name) => `typedef void *${name};`).join('\n')}
${opaque.map((name) => `typedef struct ${name} ${name};`).join('\n')}

${enums.filter(Boolean).join('\n')}
/* Six NUL-terminated texts, 512 bytes in all; the offsets are the ABI's, the names are ours. */
typedef struct {
  char version[128], majorVersion[64], minorVersion[64], releaseVersion[64], patchVersion[64], reserved[128];
} aclCANNPackageVersion;

enum {
${codes.join('\n')}
};

${prototypes.join('\n')}

${aliases.join('\n')}

#ifdef __cplusplus
}
#endif
`,
)

// Where the headers are installed: acl_meta.h in aclnn/, those of operators in aclnnop/.
const installed = functions.map(({ header }) => {
  const file = basename(header).replace(/^(?!acl)/, 'aclnn_')
  if (file === 'acl_meta.h' || file === 'aclnn_base.h') return `aclnn/${file}`
  return file.startsWith('aclnn_') ? `aclnnop/${file}` : `acl/${file}`
})
for (const path of new Set(['acl/acl.h', 'acl/acl_base.h', ...installed])) {
  mkdirSync(join(directory, dirname(path)), { recursive: true })
  writeFileSync(join(directory, path), '#pragma once\n#include "../acl_emulator.h"\n')
}
