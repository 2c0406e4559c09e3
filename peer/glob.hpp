#pragma once

#include <string_view>
#include <vector>

namespace tutti {

/// A pattern that means some of the paths in a directory, compared with a whole path from that directory on.
///
/// `*` is any run without a slash, `**` any run, `**/` also none, `?` one character but a slash, `[a-z]` and `[!a-z]` one of
/// these, or none of these; everything else is itself (also a bracket that is not closed). A pattern that means a
/// directory means all that is in it. Takes pattern times path steps at most.
class Glob {
 public:
  explicit Glob(std::string_view pattern);
  bool matches(std::string_view path) const;

 private:
  struct Token {
    enum class Kind : unsigned char { character, any, one_of, run, run_of_all, folders, in_folder } kind;
    char32_t character = 0;
    bool negated = false;
    std::vector<std::pair<char32_t, char32_t>> ranges = {};
    bool takes(char32_t c) const;
  };
  void add_with_followers(std::vector<bool>& states, std::size_t state) const;

  std::vector<Token> tokens_;
};

}  // namespace tutti
