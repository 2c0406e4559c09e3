#include "tracker/refusals.hpp"

#include <fmt/format.h>

#include <utility>

namespace tutti {

Refused refuse(Code code, std::string sentence) { return {code, std::move(sentence)}; }

Refusal refuse_new_name(std::string_view name) {
  if (lost_name_mark(name).empty()) return std::nullopt;
  return refuse(Code::invalid_name,
                fmt::format("{} ends in {}, which marks a name that was lost to another: choose one without",
                            name, lost_name_mark(name)));
}

Refused user_name_taken(const UserName& name) {
  return refuse(Code::user_exists, fmt::format("the user name {} is taken: choose another", name.text));
}

Refused group_name_taken(const GroupName& name) {
  return refuse(
      Code::group_exists,
      fmt::format("the group name {} is taken: choose another, or join_group {}", name.text, name.text));
}

Refused file_name_taken(const Directory& directory, const Gid& gid, const std::string& name) {
  return refuse(Code::file_conflict,
                fmt::format("{} has a file named {} with other content: rename yours, or use another group",
                            directory.name_of(gid), name));
}

Refusal refuse_new_user(const Directory& directory, const UserName& name) {
  if (Refusal refusal = refuse_new_name(name.text)) return refusal;
  if (directory.user_named(name.text)) return user_name_taken(name);
  return std::nullopt;
}

Refusal refuse_login(const Directory& directory, const Question& question, WallTime wall) {
  if (const auto session = directory.session(question.client, question.token, wall))
    return refuse(Code::already_logged_in,
                  fmt::format("you are logged in as {}: logout first", directory.name_of(session->uid)));
  const RequestCounter last = directory.last_session(question.client);
  const bool open = directory.open_session(question.client).has_value();
  // It may run at every tracker, and again where an answer is lost; each time it leaves a token.
  constexpr std::uint32_t tokens_max = 16;
  const bool ran_often = question.counter == last && directory.token_count(question.client) >= tokens_max;
  if (question.counter < last || (question.counter == last && !open && last.value != 0) || ran_often)
    return refuse(Code::other, "this login was overtaken by a later one or has run too often: log in again");
  return std::nullopt;
}

}  // namespace tutti
