// Sizes, strides, extents, broadcasting and promotion, against hand-made tables.
#include "toy.h"

using namespace emulator;

namespace {

aclError refusal(const std::function<void()> &body) {
  try {
    body();
  } catch (const Failure &failure) {
    return failure.code;
  }
  return ACL_SUCCESS;
}

}  // namespace

int main() {
  CHECK(elementSize(ACL_BF16) == 2 && elementSize(ACL_DOUBLE) == 8 && elementSize(ACL_BOOL) == 1);
  CHECK(contiguousStrides({2, 3, 4}) == (Shape{12, 4, 1}));
  CHECK(numel({}) == 1 && numel({2, 0}) == 0);
  CHECK(extent({2, 3}, {3, 1}) == 6 && extent({3, 2}, {1, 3}) == 6 && extent({2, 3}, {10, 2}) == 15);
  CHECK(extent({5}, {0}) == 1 && extent({0, 5}, {5, 1}) == 0 && extent({}, {}) == 1);
  CHECK(broadcast({2, 1, 4}, {3, 1}) == (Shape{2, 3, 4}));
  CHECK(broadcast({0}, {1}) == (Shape{0}) && broadcast({}, {2}) == (Shape{2}));
  CHECK(refusal([] { broadcast({2}, {3}); }) == ACLNN_ERR_PARAM_INVALID);

  // torch.promote_types
  const aclDataType table[][3] = {{ACL_FLOAT16, ACL_BF16, ACL_FLOAT},   {ACL_FLOAT16, ACL_FLOAT, ACL_FLOAT},
                                  {ACL_FLOAT16, ACL_INT64, ACL_FLOAT16}, {ACL_DOUBLE, ACL_BF16, ACL_DOUBLE},
                                  {ACL_INT32, ACL_INT64, ACL_INT64},     {ACL_UINT8, ACL_INT8, ACL_INT16},
                                  {ACL_UINT8, ACL_INT32, ACL_INT32},     {ACL_BOOL, ACL_UINT8, ACL_UINT8},
                                  {ACL_BOOL, ACL_BF16, ACL_BF16},        {ACL_INT8, ACL_INT8, ACL_INT8}};
  for (const auto &row : table) {
    CHECK(promote(row[0], row[1]) == row[2]);
    CHECK(promote(row[1], row[0]) == row[2]);
  }

  // The checks name the argument, what was found and what is allowed.
  TensorHandle tensor(nullptr, {2, 3}, {1, 2});
  const auto message = [](const std::function<void()> &body) {
    try {
      body();
    } catch (const Failure &failure) {
      return std::string(failure.what());
    }
    return std::string();
  };
  CHECK(message([&] { requireDtype("self", tensor, {ACL_FLOAT, ACL_BF16}); }) == "self has dtype INT32; allowed: FLOAT, BFLOAT16");
  CHECK(message([&] { requireRank("self", tensor, 3, 4); }) == "self has rank 2; allowed: 3 to 4");
  CHECK(message([&] { requireShape("self", tensor, {3, 2}); }) == "self has shape [2, 3]; expected: [3, 2]");
  CHECK(refusal([&] { requireContiguous("self", tensor); }) == ACLNN_ERR_PARAM_INVALID);
  CHECK(refusal([] { requireNotNull({{"self", nullptr}}); }) == ACLNN_ERR_PARAM_NULLPTR);
  requireRank("self", tensor, 2, 2);
  return 0;
}
