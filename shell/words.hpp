#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tutti {

/// One word of a command line, quotes and backslashes resolved.
struct Word {
  std::string text;
  std::size_t begin = 0;  ///< where it starts in the line, quote included
};

/// A command line in words. Blanks separate; '…' keeps everything, "…" everything but \" and \\, a backslash outside
/// of quotes keeps the next character; an unquoted # at the start of a word begins a comment, as in a POSIX shell.
struct Words {
  std::vector<Word> words;
  std::string fault;  ///< why the line cannot be split (an open quote), or empty
};
Words split_words(std::string_view line);

/// The word under the cursor at the end of an unfinished line: what Tab has to complete.
struct UnfinishedWord {
  std::vector<Word> before;  ///< the complete words of this command
  Word word;                 ///< text typed so far; empty after a blank
  char quote = 0;            ///< the quote that is open: ' or " or 0
};
UnfinishedWord split_unfinished(std::string_view line);

/// `text` as it has to be typed to come out of split_words as one word. Inside an open `quote` only what ends it
/// needs care. A leading ~/ stays as it is, for expand_home.
std::string quote_word(std::string_view text, char quote = 0);

/// The commands of `-c 'COMMAND; COMMAND'`: divided at line ends and at semicolons outside of quotes.
std::vector<std::string> split_commands(std::string_view text);

/// `~` and `~/…` with `home` in place of the tilde; anything else unchanged.
std::string expand_home(std::string_view path, std::string_view home);

}  // namespace tutti
