#include "proto/cloudwatch_url.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using proto::cloudwatch_url;
using proto::WallTime;

TEST_SUITE("proto/cloudwatch_url") {
  TEST_CASE("an address opens the group, filtered by the request, from a time on") {
    struct Row {
      std::string_view situation;
      proto::LogSearch search;
      std::string_view url;
    };

    const Row rows[] = {
        {"a request, from a time on",
         {"eu-west-1", "/aws/lambda/my-function", "8216618a-b84d", WallTime{1795458000500ms}},
         "https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/"
         "log-group/$252Faws$252Flambda$252Fmy-function/log-events"
         "$3FfilterPattern$3D$25228216618a-b84d$2522$26start$3D1795458000500"},
        {"a request, no time",
         {"eu-west-1", "/aws/lambda/f", "r1"},
         "https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/"
         "log-group/$252Faws$252Flambda$252Ff/log-events$3FfilterPattern$3D$2522r1$2522"},
        {"an init: no request",
         {"eu-west-1", "/aws/lambda/f", "", WallTime{1795458000500ms}},
         "https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/"
         "log-group/$252Faws$252Flambda$252Ff/log-events$3Fstart$3D1795458000500"},
        {"neither, and a clock that was never set",
         {"eu-west-1", "/aws/lambda/f", "", WallTime{5s}},
         "https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/"
         "log-group/$252Faws$252Flambda$252Ff/log-events"},
        {"China",
         {"cn-north-1", "/aws/lambda/f", ""},
         "https://console.amazonaws.cn/cloudwatch/home?region=cn-north-1#logsV2:log-groups/"
         "log-group/$252Faws$252Flambda$252Ff/log-events"},
        {"GovCloud",
         {"us-gov-west-1", "/aws/lambda/f", ""},
         "https://console.amazonaws-us-gov.com/cloudwatch/home?region=us-gov-west-1#logsV2:"
         "log-groups/log-group/$252Faws$252Flambda$252Ff/log-events"},
        {"nothing gets out of its place",
         {"x&y#z", "/aws/lambda/a b$c", "\"$&"},
         "https://console.aws.amazon.com/cloudwatch/home?region=x%26y%23z#logsV2:log-groups/"
         "log-group/$252Faws$252Flambda$252Fa$2520b$2524c/log-events"
         "$3FfilterPattern$3D$2522$2522$2524$2526$2522"},
    };
    for (const Row& row : rows) {
      CAPTURE(std::string(row.situation));
      CHECK(cloudwatch_url(row.search) == row.url);
    }
  }
}
