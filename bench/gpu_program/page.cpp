#include "bench/gpu_program/page.hpp"

#include <fmt/format.h>

#include <cmath>

#include "multipl_moe/io/atomic_folder.hpp"

namespace gpu_program {

namespace {

/// A line of a table or list: a message may have several.
std::string one_line(std::string text) {
  for (char& c : text)
    if (c == '\n' || c == '|') c = ' ';
  return text;
}
std::string text_of(double value) {
  return std::abs(value) >= 1000 ? fmt::format("{:.0f}", value) : fmt::format("{:.4g}", value);
}
std::string text_of(const Target& target) {
  const auto* const sign = target.at_least ? ">=" : "<=";
  return fmt::format("{} {} | {}", sign, text_of(target.required),
                     target.goal ? fmt::format("{} {}", sign, text_of(*target.goal)) : "");
}

}  // namespace

Page::Page(std::filesystem::path path, const std::string& title)
    : path_(std::move(path)), text_(fmt::format("# {}\n", title)) {
  write();
}

void Page::row(const std::string& what, const std::string& figure, const std::string& unit,
               const std::optional<Target>& target, const std::string& verdict) {
  if (!in_table_) text_ += "\n| figure | found | unit | required | goal | |\n|---|---|---|---|---|---|\n";
  in_table_ = true;
  text_ += fmt::format("| {} | {} | {} | {} | {} |\n", one_line(what), one_line(figure), unit,
                       target ? text_of(*target) : " | ", verdict);
  write();
}

void Page::figure(const std::string& what, double value, const std::string& unit, std::optional<Target> target) {
  row(what, text_of(value), unit, target, target ? verdict_of(value, *target) : "");
}

void Page::not_measured(const std::string& what, const std::string& because, std::optional<Target> target) {
  row(what, "not measured: " + because, "", target, "");
}

void Page::line(const std::string& text) {
  text_ += fmt::format("\n{}\n", text);
  in_table_ = false;
  write();
}

void Page::in_short(const std::string& text) {
  short_ += (short_.empty() ? "" : "; ") + one_line(text);
  write();
}

void Page::fail(const std::string& what) {
  has_failed_ = true;
  line("**Wrong:** " + one_line(what));
  in_short("wrong: " + what);
}

void Page::write() const {
  multipl_moe::write_file_atomically(path_,
                                     short_.empty() ? text_ : fmt::format("{}\n{}{}\n", text_, note_mark, short_));
}

}  // namespace gpu_program
