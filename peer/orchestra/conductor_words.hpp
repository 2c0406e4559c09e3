#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/bytes.hpp"
#include "peer/orchestra/crlf_lines.hpp"

// What a member M asks a conductor C, one question a connection, which C then ends. Lines end with CR LF.
//
//   question = M: DOWN name sha1 port
//   answer   = C: SEND name sha1 count *( ip:port )   who shares it, the first to have come first; M perhaps among them
//            | C: NONE name sha1                      nobody but M from now on

namespace tutti {

struct ConductorQuestion {
  std::string word;
  std::string name;
  std::string sha1;
  std::string port;
};

/// Reads a question out of what comes over a connection.
class QuestionReader {
 public:
  /// As the originals' own document says of names, and some more.
  static constexpr std::size_t line_max = 1024;

  /// The question, once it is complete. What comes after it counts for nothing.
  std::optional<ConductorQuestion> take(ByteView bytes);
  bool failed() const { return lines_.failed(); }

 private:
  CrlfLines lines_;
  std::vector<std::string> taken_;
};

/// Reads an answer to who shares `name` with `sha1`.
class AnswerReader {
 public:
  /// As many as the originals believe in.
  static constexpr std::uint64_t members_max = 1'000'000;

  AnswerReader(std::string name, std::string sha1) : name_(std::move(name)), sha1_(std::move(sha1)) {}

  /// Who shares it, `host:port` each, once the answer is complete.
  std::optional<std::vector<std::string>> take(ByteView bytes);
  /// What was wrong with it; empty: nothing (so far).
  const std::string& fault() const { return fault_; }

 private:
  bool take_line(std::string line);

  std::string name_;
  std::string sha1_;
  CrlfLines lines_;
  std::size_t line_ = 0;
  bool nobody_ = false;
  std::uint64_t count_ = 0;
  std::vector<std::string> members_;
  std::string fault_;
};

std::string conductor_question(std::string_view name, std::string_view sha1, std::uint16_t port);
std::string conductor_none(std::string_view name, std::string_view sha1);
/// The head of the answer; a line for each member follows.
std::string conductor_send_head(std::string_view name, std::string_view sha1, std::size_t count);

/// What is wrong with `host:port`, which may be anything that somebody has told the conductor; empty if nothing is.
std::string_view member_address_fault(std::string_view text);

}  // namespace tutti
