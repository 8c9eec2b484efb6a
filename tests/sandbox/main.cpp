// thaw-sandbox: reads the command line, plays one run, writes its report.
#include <csignal>
#include <exception>
#include <fstream>
#include <iostream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "tests/sandbox/options.hpp"
#include "tests/sandbox/recorder.hpp"
#include "tests/sandbox/report.hpp"
#include "tests/sandbox/run.hpp"

namespace {

int play(const sandbox::Options& options, sandbox::Recorder& recorder) {
  boost::asio::io_context io{1};
  sandbox::Run run(io, options, recorder);
  int exit_code = 1;
  boost::asio::co_spawn(io, run.play(), [&](const std::exception_ptr& failure, int code) {
    if (failure) std::rethrow_exception(failure);
    exit_code = code;
  });
  io.run();
  return exit_code;
}

bool write_report(const sandbox::Options& options, const sandbox::Recorder& recorder) {
  if (options.report.empty()) {
    std::cout << sandbox::to_table(recorder);
    return true;
  }
  if (options.report == "-") {
    std::cout << sandbox::to_json(recorder);
    return true;
  }
  std::ofstream file(options.report, std::ios::trunc);
  file << sandbox::to_json(recorder);
  return file.good();
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto reading = sandbox::read_options(argc, argv);
  if (!reading.options) return reading.exit_code;
  sandbox::Recorder recorder;
  if (!reading.options->log.empty() && !recorder.log_to(reading.options->log)) {
    std::cerr << "thaw-sandbox: cannot write " << reading.options->log << '\n';
    return 2;
  }
  recorder.keep_bodies_in(reading.options->bodies);
  int exit_code = 1;
  try {
    exit_code = play(*reading.options, recorder);
  } catch (const std::exception& error) {
    recorder.problem(std::string("sandbox: ") + error.what());
  }
  for (const auto& problem : recorder.problems) std::cerr << "thaw-sandbox: " << problem << '\n';
  if (!write_report(*reading.options, recorder)) {
    std::cerr << "thaw-sandbox: cannot write " << reading.options->report << '\n';
    return 2;
  }
  return exit_code;
}
