/// Ranks that report each call, and its limit of time, before it is made.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/comm/ranks.hpp"

namespace multipl_moe::testing {

class HookedRanks final : public moe::Ranks<moe::Cpu<>> {
 public:
  using Inner = moe::Ranks<moe::Cpu<>>;
  using Hook = std::function<void(std::string_view site, std::chrono::milliseconds timeout)>;

  /// The hook may throw, in place of the call.
  HookedRanks(std::shared_ptr<Inner> inner, Hook hook) : inner_(std::move(inner)), hook_(std::move(hook)) {}

  int rank() const override { return inner_->rank(); }
  int size() const override { return inner_->size(); }
  using Inner::announce;
  void announce(moe::Site site, moe::ListView<moe::Index> to, moe::Index per_rank, moe::Index* from) override {
    site_ = site.name;
    report();
    inner_->announce(site, to, per_rank, from);
  }
  void all_to_all_v(const Context& context, const void* from, moe::ListView<moe::Index> bytes_to, void* to,
                    moe::ListView<moe::Index> bytes_from) override {
    report();
    inner_->all_to_all_v(context, from, bytes_to, to, bytes_from);
  }
  void all_gather_v(const Context& context, const void* from, moe::ListView<moe::Index> bytes, void* to) override {
    report();
    inner_->all_gather_v(context, from, bytes, to);
  }
  void broadcast(const Context& context, void* data, moe::Index bytes, int root) override {
    report();
    inner_->broadcast(context, data, bytes, root);
  }
  std::vector<std::vector<std::byte>> gather(moe::Site site, std::span<const std::byte> mine) override {
    site_ = site.name;
    report();
    return inner_->gather(site, mine);
  }
  std::vector<std::vector<std::byte>> gather_to(int root, moe::Site site, std::span<const std::byte> mine) override {
    site_ = site.name;
    report();
    return inner_->gather_to(root, site, mine);
  }
  void set_timeout(std::chrono::milliseconds time) override {
    timeout_ = time;
    inner_->set_timeout(time);
  }
  void abort(int exit_code) override { inner_->abort(exit_code); }
  std::map<std::string, moe::Traffic> traffic() const override { return inner_->traffic(); }
  void reset_traffic() override { inner_->reset_traffic(); }

 private:
  void report() const { hook_(site_, timeout_); }

  std::shared_ptr<Inner> inner_;
  Hook hook_;
  std::string_view site_;
  std::chrono::milliseconds timeout_{0};
};

}  // namespace multipl_moe::testing
