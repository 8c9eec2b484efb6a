// The one way a call says "this did not work, and you were expected to cope".
#pragma once

#include <boost/system/result.hpp>

namespace proto {

/// A value, or the error_code that explains why there is none. Mark every function that returns one
/// [[nodiscard]]: the type itself is not (Boost 1.81).
template <class T>
using Result = boost::system::result<T>;

}  // namespace proto
