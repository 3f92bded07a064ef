#include "multipl_moe/sandbox/setup.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/sandbox/proc_text.hpp"

namespace multipl_moe::sandbox {

using namespace std::chrono_literals;

namespace {

/// The setup takes milliseconds; a machine that is much too busy is not an error.
constexpr auto longest_setup = 60s;

/// A number in the JSON that bubblewrap writes; -1: the key is missing.
std::int64_t number_behind(const std::string& text, std::string_view key) {
  const std::size_t at = text.find(key);
  return at == text.npos ? -1 : first_number(std::string_view(text).substr(at + key.size()));
}

}  // namespace

Setup::Setup(Output& err) : gate_(two_way_channel()), err_(err) {
  Channel status = output_channel();
  status_.from = std::move(status.ours);
  status_end_ = std::move(status.theirs);
}

void Setup::finish(Running& running) {
  gate_.theirs = Descriptor();
  status_end_ = Descriptor();
  if (!is_ready()) {
    running.kill();
    running.wait();
    err_.read(4096);
    if (err_.text.ends_with('\n')) err_.text.pop_back();
    throw Failure(fmt::format("[sandbox] bubblewrap could not start a program: {}",
                              err_.text.empty() ? "no message" : escaped(err_.text, 500)));
  }
  status_.read(4096);
  running.set_first_in_namespace(static_cast<::pid_t>(number_behind(status_.text, "\"child-pid\":")));
  // Without SIGPIPE if the job has been killed meanwhile.
  ::send(gate_.ours.number(), "\n", 1, MSG_NOSIGNAL);
  gate_.ours = Descriptor();
}

int Setup::exit_code() {
  status_.read(4096);
  return static_cast<int>(number_behind(status_.text, "\"exit-code\":"));
}

bool Setup::is_ready() const {
  const auto deadline = std::chrono::steady_clock::now() + longest_setup;
  ::pollfd wait{gate_.ours.number(), POLLIN, 0};
  int ready = 0;
  do {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    ready = ::poll(&wait, 1, static_cast<int>(std::max(left, 0ms).count()));
  } while (ready < 0 && errno == EINTR);
  char line = 0;
  return ready > 0 && ::recv(gate_.ours.number(), &line, 1, 0) == 1;
}

}  // namespace multipl_moe::sandbox
