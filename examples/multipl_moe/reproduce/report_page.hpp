/// report.html: what a reproduction has shown, as one file that needs no network.
#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "multipl_moe/reproduce/item.hpp"
#include "multipl_moe/reproduce/plan.hpp"
#include "multipl_moe/reproduce/verdicts.hpp"

namespace multipl_moe::reproduce {

/// The file report_page.html.
extern const std::string_view report_page_template;

/// Bytes of pictures in a page: those beyond are links, so that a page has less than 2 MB.
constexpr std::size_t room_for_pictures = 1'400'000;

struct ReportPage {
  const Plan& plan;
  const std::set<std::string>& finished;  ///< ids of stages
  std::string unfinished;                 ///< that scores are missing; empty if none is
  std::span<const JudgedClaim> judged;
  std::span<const Item> items;
  std::filesystem::path folder;  ///< of the reproduction, with the pictures of items and of routing
};

/// The page. A picture that was not drawn is left out, with a line that says so. Throws IoError.
std::string report_page(const ReportPage& page);

// Its parts.

/// How many claims have each verdict, and each claim with its verdict and its comparisons.
std::string verdict_counts(const ReportPage& page);
std::string claims_section(const ReportPage& page);
/// A section for each item, with its picture, its numbers, and where they come from. `room`: bytes that pictures may
/// still take; those of the section's pictures are taken from it.
std::string items_section(const ReportPage& page, std::size_t& room);
/// Pictures and pages of routing.
std::string routing_section(const ReportPage& page, std::size_t& room);
/// The paper's own figures.
std::string papers_section();
/// The commands of all stages, with their outputs and logs.
std::string commands_section(const ReportPage& page);

}  // namespace multipl_moe::reproduce
