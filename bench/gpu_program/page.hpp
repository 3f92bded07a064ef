/// The page of a stage, <stage>.md, which is complete on the disk after every addition: what a stage that is killed has
/// found until then stays.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "bench/gpu_program/page_text.hpp"

namespace gpu_program {

class Page {
 public:
  /// Throws IoError, as all that follow.
  Page(std::filesystem::path path, const std::string& title);

  /// A row of the table: a figure with its unit, and what it should be.
  void figure(const std::string& what, double value, const std::string& unit, std::optional<Target> target = {});
  /// A row for a figure that this run does not have.
  void not_measured(const std::string& what, const std::string& because, std::optional<Target> target = {});
  /// A line of text.
  void line(const std::string& text);
  /// A part of the one line that the summary shows.
  void in_short(const std::string& text);
  /// Something is wrong: the stage goes on, but will have failed.
  void fail(const std::string& what);

  bool has_failed() const { return has_failed_; }

 private:
  void row(const std::string& what, const std::string& figure, const std::string& unit,
           const std::optional<Target>& target, const std::string& verdict);
  void write() const;

  std::filesystem::path path_;
  std::string text_, short_;
  bool in_table_ = false, has_failed_ = false;
};

}  // namespace gpu_program
