// What is typed, piped or given with -c. Words can be quoted and are read as the same words again.

#include "shell/command.hpp"
#include "shell/words.hpp"
#include "tests/fuzz/target.hpp"

using namespace tutti;

FUZZ_TARGET(command_line) {
  const std::string_view text = fuzz::text_of(input);
  const Words words = split_words(text);
  if (words.fault.empty()) {
    std::string quoted;
    for (const Word& word : words.words) {
      ENSURE(word.begin < text.size());
      quoted += quote_word(word.text) + ' ';
    }
    const Words again = split_words(quoted);
    ENSURE(again.fault.empty() && again.words.size() == words.words.size());
    for (std::size_t i = 0; i < words.words.size(); ++i) ENSURE(again.words[i].text == words.words[i].text);
  }
  static_cast<void>(split_unfinished(text));
  static_cast<void>(parse_rate(text));
  static_cast<void>(parse_window(text));
  for (const std::string& command : split_commands(text)) {
    const Parsed parsed = parse_command(command);
    if (parsed.refused || parsed.nothing) continue;
    ENSURE(parsed.invocation.command != nullptr);
    static_cast<void>(name_fault(parsed.invocation));
  }
}
