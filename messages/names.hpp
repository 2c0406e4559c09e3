#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

namespace tutti {

/// What is wrong with a user's or a group's name; empty if nothing is. 1 to 64 of letters, digits, `.`, `_`,
/// `-`, not starting with `.` or `-`: such a name is safe in a path, on a terminal and as a word of a command. It may
/// end in the mark of a name that was lost (see lost_name_mark); nobody can choose such a name.
std::string_view account_name_fault(std::string_view text);

/// The mark at the end of the name of somebody who lost it to another: `~t2`, or `~t2-3` if more than one who came
/// through tracker 2 lost it. Empty if `text` has none.
std::string_view lost_name_mark(std::string_view text);

/// What is wrong with a file's name; empty if nothing is. Any UTF-8 of 1 to 255 bytes without `/`, control
/// characters (C0, DEL, C1) or a leading `~`, and not `.` or `..`.
std::string_view file_name_fault(std::string_view text);

/// True if `text` is well-formed UTF-8 (no overlong forms, no surrogates, nothing above U+10FFFF).
bool is_utf8(std::string_view text);

/// A name of one kind. `Check` says what is wrong with one.
template <class Tag, std::string_view (*Check)(std::string_view)>
struct Name {
  std::string text;

  auto operator<=>(const Name&) const = default;
  std::string_view fault() const { return Check(text); }
};

using UserName = Name<struct UserNameTag, account_name_fault>;
using GroupName = Name<struct GroupNameTag, account_name_fault>;
/// A base name, never a path.
using FileName = Name<struct FileNameTag, file_name_fault>;

}  // namespace tutti

template <class Tag, std::string_view (*Check)(std::string_view)>
struct std::hash<tutti::Name<Tag, Check>> {
  std::size_t operator()(const tutti::Name<Tag, Check>& name) const noexcept {
    return std::hash<std::string>{}(name.text);
  }
};
