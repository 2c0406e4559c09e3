#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "shell/command.hpp"

namespace tutti {

/// What Tab offers: the part of the line from `begin` is replaced by one of `candidates`, each written as it has to
/// be typed. `labels` are the same for a list on the screen.
struct Completion {
  std::size_t begin = 0;
  std::vector<std::string> candidates;
  std::vector<std::string> labels;
  /// What all candidates have in common; never shorter than what was typed.
  std::string common;
  /// Names that have to be asked for, so that the next Tab knows more.
  enum class Missing : std::uint8_t {
    nothing,
    groups,
    files,
    members,
    requests,
    downloads
  } missing = Missing::nothing;
  std::string missing_group;
};

/// Names that were heard of lately: of answers to the user's own commands, and of questions asked for completion. An
/// old name offered is no harm; a refused command says so.
class KnownNames {
 public:
  void learn(const Groups& groups);
  void learn(const std::string& group, const Files& files);
  void learn(const std::string& group, const Members& members);
  void learn(const std::string& group, const JoinRequests& requests);
  void learn(const std::vector<DownloadRow>& downloads);
  /// Another user's names are not ours.
  void forget();

  const std::vector<std::string>& groups() const { return groups_; }
  const std::vector<std::string>& files(const std::string& group) const { return of(files_, group); }
  const std::vector<std::string>& downloads(const std::string& group) const { return of(downloads_, group); }
  const std::vector<std::string>& members(const std::string& group) const { return of(members_, group); }
  const std::vector<std::string>& requests(const std::string& group) const { return of(requests_, group); }

 private:
  using ByGroup = std::map<std::string, std::vector<std::string>>;
  static const std::vector<std::string>& of(const ByGroup& names, const std::string& group);

  std::vector<std::string> groups_;
  ByGroup files_;
  ByGroup downloads_;
  ByGroup members_;
  ByGroup requests_;
};

/// Completes the end of `line` (what stands before the cursor). Reads directories for paths; asks nobody anything.
Completion complete(std::string_view line, const KnownNames& names, const LocalFiles& files);

}  // namespace tutti
