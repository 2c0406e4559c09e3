#include "shell/outcome.hpp"

#include <iterator>

namespace tutti {

namespace {

template <class Row>
void append(std::vector<Row>& rows, std::vector<Row>& more) {
  rows.insert(rows.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

const std::string& last_name(const JoinRequests& page) { return page.users.back().text; }
const std::string& last_name(const Groups& page) { return page.groups.back().group.text; }
const std::string& last_name(const Members& page) { return page.members.back().user.text; }
const std::string& last_name(const Files& page) { return page.files.back().file.text; }

bool is_empty(const JoinRequests& page) { return page.users.empty(); }
bool is_empty(const Groups& page) { return page.groups.empty(); }
bool is_empty(const Members& page) { return page.members.empty(); }
bool is_empty(const Files& page) { return page.files.empty(); }

/// An empty page that promises more would be asked for again and again: it ends the listing.
template <class Page, class Request>
std::optional<ClientRequest> after(const Page& page, Request request) {
  if (!page.more || is_empty(page)) return std::nullopt;
  request.after = last_name(page);
  return request;
}

template <class Page, class Asked>
void try_next(const ClientRequest& asked, const Result& answer, std::optional<ClientRequest>& next) {
  const auto* request = asked.get<Asked>();
  const auto* page = std::get_if<Page>(&answer);
  if (request != nullptr && page != nullptr) next = after(*page, *request);
}

}  // namespace

Result result_of(const TrackerAnswer& answer) {
  return std::visit(
      []<class Answer>(const Answer& each) -> Result {
        if constexpr (std::constructible_from<Result, Answer>) {
          return each;
        } else {
          return Refused{Code::other, "the tracker answered something else than was asked; is it newer?"};
        }
      },
      answer.value);
}

void append_page(Result& pages, Result next) {
  auto* groups = std::get_if<Groups>(&pages);
  auto* members = std::get_if<Members>(&pages);
  auto* files = std::get_if<Files>(&pages);
  auto* requests = std::get_if<JoinRequests>(&pages);
  if (auto* more = std::get_if<Groups>(&next); more != nullptr && groups != nullptr) {
    append(groups->groups, more->groups);
  } else if (auto* more_members = std::get_if<Members>(&next);
             more_members != nullptr && members != nullptr) {
    append(members->members, more_members->members);
  } else if (auto* more_files = std::get_if<Files>(&next); more_files != nullptr && files != nullptr) {
    append(files->files, more_files->files);
  } else if (auto* more_users = std::get_if<JoinRequests>(&next);
             more_users != nullptr && requests != nullptr) {
    append(requests->users, more_users->users);
  } else {
    pages = std::move(next);
  }
}

std::optional<ClientRequest> next_page(const ClientRequest& asked, const Result& answer) {
  std::optional<ClientRequest> next;
  try_next<JoinRequests, ListRequests>(asked, answer, next);
  try_next<Groups, ListGroups>(asked, answer, next);
  try_next<Members, ListMembers>(asked, answer, next);
  try_next<Files, ListFiles>(asked, answer, next);
  return next;
}

}  // namespace tutti
