/// Chromium, driven as a user drives it: its DevTools protocol sends real pointer, touch and key events.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "multipl_moe/report/gnuplot.hpp"

namespace multipl_moe::testing {

inline std::optional<std::filesystem::path> find_chromium() {
  for (const char* name : {"chromium", "chromium-browser", "google-chrome"})
    if (auto path = find_program(name)) return path;
  return std::nullopt;
}

/// A browser with one page. Throws std::runtime_error if the browser ends, or does not answer for a minute.
class Browser {
 public:
  using Json = nlohmann::json;

  /// `profile`: a new folder for the browser's files.
  Browser(const std::filesystem::path& chromium, const std::filesystem::path& profile) {
    // A write to a browser that has ended is an error then, and does not end the tests.
    ::signal(SIGPIPE, SIG_IGN);
    start(chromium, profile);
    const Json target = call("Target.createTarget", {{"url", "about:blank"}});
    session_ = call("Target.attachToTarget", {{"targetId", target.at("targetId")}, {"flatten", true}}).at("sessionId");
    for (const char* domain : {"Page.enable", "Runtime.enable", "Log.enable", "Network.enable"}) call(domain);
    size(1300, 900, false);
  }
  ~Browser() {
    ::close(to_);
    ::close(from_);
    // The whole group: the browser's helpers end with it.
    ::kill(-child_, SIGKILL);
    int status = 0;
    ::waitpid(child_, &status, 0);
  }
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  Json call(const std::string& method, Json parameters = Json::object()) {
    Json message{{"id", ++last_}, {"method", method}, {"params", std::move(parameters)}};
    if (!session_.empty()) message["sessionId"] = session_;
    const std::string text = message.dump();
    // With the NUL byte that ends a message.
    if (::write(to_, text.c_str(), text.size() + 1) != static_cast<ssize_t>(text.size() + 1))
      throw std::runtime_error("the browser has ended");
    while (true) {
      const Json answer = next_message();
      if (answer.value("id", 0) != last_) {
        note(answer);
        continue;
      }
      if (answer.contains("error")) throw std::runtime_error(method + ": " + answer["error"].dump());
      return answer.at("result");
    }
  }

  /// Opens a file and waits until it is loaded.
  void open(const std::filesystem::path& file) {
    call("Page.navigate", {{"url", "file://" + file.native()}});
    wait_until("document.readyState === 'complete' && location.href !== 'about:blank'");
  }
  /// The value of an expression of JavaScript.
  Json evaluate(const std::string& expression) {
    const Json result = call("Runtime.evaluate", {{"expression", expression}, {"returnByValue", true}});
    if (result.contains("exceptionDetails")) throw std::runtime_error(expression + ": " + result.dump());
    return result.at("result").value("value", Json());
  }
  void wait_until(const std::string& condition) {
    for (int i = 0; i < 600; ++i) {
      if (evaluate(condition) == true) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    throw std::runtime_error("never true: " + condition);
  }

  void move_to(double x, double y) { mouse("mouseMoved", x, y, 0); }
  void click(double x, double y) {
    move_to(x, y);
    mouse("mousePressed", x, y, 1);
    mouse("mouseReleased", x, y, 1);
  }
  void tap(double x, double y) {
    call("Input.dispatchTouchEvent", {{"type", "touchStart"}, {"touchPoints", {{{"x", x}, {"y", y}}}}});
    call("Input.dispatchTouchEvent", {{"type", "touchEnd"}, {"touchPoints", Json::array()}});
  }
  /// A key by its DOM name. A key with one character also types it.
  void press(const std::string& key, int code = 0) {
    Json event{{"type", key.size() == 1 ? "keyDown" : "rawKeyDown"}, {"key", key}, {"windowsVirtualKeyCode", code}};
    if (key.size() == 1) event["text"] = key;
    call("Input.dispatchKeyEvent", event);
    call("Input.dispatchKeyEvent", {{"type", "keyUp"}, {"key", key}, {"windowsVirtualKeyCode", code}});
  }
  void size(int width, int height, bool is_phone) {
    call("Emulation.setDeviceMetricsOverride",
         {{"width", width}, {"height", height}, {"deviceScaleFactor", 1}, {"mobile", is_phone}});
    call("Emulation.setTouchEmulationEnabled", {{"enabled", is_phone}});
  }
  /// `scheme`: "light" or "dark".
  void prefer(const std::string& scheme) {
    call("Emulation.setEmulatedMedia", {{"features", {{{"name", "prefers-color-scheme"}, {"value", scheme}}}}});
  }

  /// Errors and warnings of the console so far, one text each.
  const std::vector<std::string>& complaints() const { return complaints_; }
  /// The addresses that were requested so far.
  const std::vector<std::string>& requests() const { return requests_; }

 private:
  void start(const std::filesystem::path& chromium, const std::filesystem::path& profile) {
    std::array<int, 2> in{}, out{};
    if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipes");
    // Without Chromium's sandbox, which does not run as root: the page is our own.
    std::vector<std::string> words{chromium.native(),
                                   "--headless",
                                   "--no-sandbox",
                                   "--disable-gpu",
                                   "--disable-dev-shm-usage",
                                   "--no-first-run",
                                   "--disable-extensions",
                                   "--disable-background-networking",
                                   "--remote-debugging-pipe",
                                   "--user-data-dir=" + profile.native(),
                                   "about:blank"};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    child_ = ::fork();
    if (child_ < 0) throw std::runtime_error("no process");
    if (child_ == 0) {
      ::setpgid(0, 0);
      // The protocol is on descriptors 3 and 4. Copies far above them cannot be overwritten by either.
      const int read_end = ::fcntl(in[0], F_DUPFD, 100), write_end = ::fcntl(out[1], F_DUPFD, 100);
      ::dup2(read_end, 3);
      ::dup2(write_end, 4);
      const int nowhere = ::open("/dev/null", O_RDWR);
      for (int stream = 0; stream < 3; ++stream) ::dup2(nowhere, stream);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    ::setpgid(child_, child_);
    ::close(in[0]);
    ::close(out[1]);
    to_ = in[1];
    from_ = out[0];
  }

  Json next_message() {
    while (true) {
      if (const std::size_t end = buffer_.find('\0'); end != std::string::npos) {
        Json message = Json::parse(buffer_.substr(0, end));
        buffer_.erase(0, end + 1);
        return message;
      }
      ::pollfd ready{from_, POLLIN, 0};
      std::array<char, 65536> part;
      if (::poll(&ready, 1, 60'000) <= 0) throw std::runtime_error("the browser does not answer");
      const ssize_t bytes = ::read(from_, part.data(), part.size());
      if (bytes <= 0) throw std::runtime_error("the browser has ended");
      buffer_.append(part.data(), static_cast<std::size_t>(bytes));
    }
  }
  void note(const Json& event) {
    const std::string method = event.value("method", "");
    if (method == "Network.requestWillBeSent") requests_.push_back(event.at("params").at("request").at("url"));
    if (method == "Runtime.exceptionThrown" || method == "Runtime.consoleAPICalled" || method == "Log.entryAdded")
      complaints_.push_back(event.at("params").dump());
  }
  void mouse(const std::string& type, double x, double y, int clicks) {
    call("Input.dispatchMouseEvent",
         {{"type", type}, {"x", x}, {"y", y}, {"button", clicks > 0 ? "left" : "none"}, {"clickCount", clicks}});
  }

  ::pid_t child_ = -1;
  int to_ = -1, from_ = -1, last_ = 0;
  std::string session_, buffer_;
  std::vector<std::string> complaints_, requests_;
};

}  // namespace multipl_moe::testing
