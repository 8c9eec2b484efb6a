// Boost.JSON, header-only: its definitions live in this one file.
#include <boost/json/src.hpp>
