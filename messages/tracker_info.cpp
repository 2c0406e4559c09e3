#include "messages/tracker_info.hpp"

#include <algorithm>
#include <charconv>

namespace tutti {

namespace {

// The last port that leaves room for the two after it.
constexpr std::uint16_t port_max = 65533;

std::optional<LinkKey> key_from_z85(std::string_view text) {
  const std::optional<Bytes> bytes = from_z85(text);
  if (!bytes || bytes->size() != LinkKey::size) return std::nullopt;
  const LinkKey key = LinkKey::from(*bytes);
  return key.is_zero() ? std::nullopt : std::optional(key);
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// The words before the comment. No key begins with `#`: that digit, 84, in first place would pass 32 bits.
std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
    if (line.empty()) return words;
    const auto end = std::find_if(line.begin(), line.end(), is_blank);
    const std::string_view word = line.substr(0, static_cast<std::size_t>(end - line.begin()));
    if (word.front() == '#') return words;
    words.push_back(word);
    line.remove_prefix(word.size());
  }
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0 || port > port_max)
    return std::nullopt;
  return port;
}

bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= 255 && text.front() != '-' && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                  c == '-' || c == '_';
         });
}

bool is_ipv6(std::string_view text) {
  return text.size() >= 2 && text.size() <= 64 && text.find(':') != std::string_view::npos &&
         text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

// Reads a file line by line: between two lines it knows the trackers so far and, perhaps, an ip that waits for its
// port.
class FileParser {
 public:
  TrackerInfo parse(std::string_view text) {
    std::size_t line = 0;
    while (!text.empty() && info_.fault.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      line_ = ++line;
      take(words_of(text.substr(0, end)));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (info_.fault.empty() && waiting_line_ != 0) {
      line_ = waiting_line_;
      fail("the port is missing: write `ip:port`");
    }
    if (info_.fault.empty() && info_.trackers.empty()) {
      line_ = 0;
      fail("no tracker is listed: write one `ip:port` a line");
    }
    return std::move(info_);
  }

 private:
  void fail(std::string sentence) {
    info_.trackers.clear();
    info_.fault = std::move(sentence);
    info_.fault_line = line_;
  }

  void take(std::vector<std::string_view> words) {
    if (words.empty()) return;
    if (waiting_line_ != 0) return take_port(words);
    const std::string_view first = words.front();
    if (all_digits(first)) return fail("a port stands without an ip before it: write `ip:port`");
    words.erase(words.begin());
    std::string_view host = first;
    std::string_view rest;
    if (first.front() == '[') {
      const std::size_t close = first.find(']');
      if (close == std::string_view::npos || !is_ipv6(first.substr(1, close - 1)))
        return fail("this is no IPv6 address in brackets: write `[::1]:5000`");
      host = first.substr(1, close - 1);
      rest = first.substr(close + 1);
    } else {
      const std::size_t colon = first.find(':');
      if (colon != std::string_view::npos && first.find(':', colon + 1) != std::string_view::npos)
        return fail("an IPv6 address stands in brackets: write `[::1]:5000`");
      host = first.substr(0, colon);
      rest = first.substr(host.size());
      if (!is_host(host))
        return fail("`" + std::string(first) + "` is neither an ip nor a host name: write `ip:port`");
    }
    host_ = host;
    if (!rest.empty()) {
      if (rest.front() != ':') return fail("a colon has to stand between ip and port: write `ip:port`");
      words.insert(words.begin(), rest.substr(1));
    }
    if (words.empty()) {
      waiting_line_ = line_;
      return;
    }
    take_port(words);
  }

  void take_port(const std::vector<std::string_view>& words) {
    waiting_line_ = 0;
    const std::optional<std::uint16_t> port = port_of(words.front());
    if (!port) return fail("`" + std::string(words.front()) + "` is no port: it is a number from 1 to 65533");
    TrackerEntry entry;
    entry.number = static_cast<std::uint32_t>(info_.trackers.size() + 1);
    entry.host = host_;
    entry.port = *port;
    entry.line = line_;
    if (words.size() > 1) {
      entry.key = key_from_z85(words[1]);
      if (!entry.key)
        return fail("`" + std::string(words[1]) + "` is no public key: it has 40 characters of Z85");
    }
    if (words.size() > 2)
      return fail("`" + std::string(words[2]) + "` is too much: a line is `ip:port [key]`");
    for (const TrackerEntry& other : info_.trackers) {
      if (other.host != entry.host || other.port + 2 < entry.port || entry.port + 2 < other.port) continue;
      if (other.port == entry.port) return fail("this is tracker " + std::to_string(other.number) + " again");
      return fail("the ports overlap with those of tracker " + std::to_string(other.number) +
                  ": each tracker uses its port and the next two");
    }
    info_.trackers.push_back(std::move(entry));
  }

  TrackerInfo info_;
  std::string host_;
  std::size_t line_ = 0;
  std::size_t waiting_line_ = 0;  // of the ip that waits for its port; 0: none does
};

}  // namespace

std::string TrackerEntry::endpoint(std::uint16_t offset) const {
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port + offset);
}

TrackerInfo parse_tracker_info(std::string_view text) {
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);  // some editors begin a file so
  return FileParser().parse(text);
}

}  // namespace tutti
