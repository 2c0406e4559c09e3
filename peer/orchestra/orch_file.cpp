#include "peer/orchestra/orch_file.hpp"

#include <algorithm>
#include <charconv>

namespace tutti {

namespace {

constexpr std::size_t lines_before_parts = 6;
// As the protocol's own document says of names.
constexpr std::size_t orch_name_max = 256;
constexpr std::size_t sha1_digits = 2 * Sha1::size;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string_view without_trailing_space(std::string_view line) {
  const std::size_t last = line.find_last_not_of(" \t\r\v\f");
  return line.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Sha1> sha1_of(std::string_view text) {
  if (text.size() != sha1_digits) return std::nullopt;
  const std::optional<Bytes> bytes = from_hex(text);
  if (!bytes) return std::nullopt;
  return Sha1::from(*bytes);
}

/// The lines before the digests of the parts.
std::string head_of(std::string_view conductor, std::string_view name, const Sha1& whole, ByteCount size,
                    ByteCount part_size) {
  std::string head;
  head.append(conductor).append("\n").append(name).append("\n").append(whole.hex()).append("\n");
  for (const std::uint64_t number : {size.value, part_size.value, orch_part_count(size, part_size)})
    head.append(std::to_string(number)).append("\n");
  return head;
}

/// Takes one line after the other; the first that is wrong ends it.
class Parsing {
 public:
  OrchParsed parse(std::string_view text) {
    while (!text.empty() && parsed_.fault.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      ++line_;
      take(without_trailing_space(text.substr(0, end)));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (parsed_.fault.empty()) check_end();
    if (!parsed_.fault.empty()) parsed_.file = {};
    return std::move(parsed_);
  }

 private:
  void fail(std::string sentence) {
    parsed_.fault = std::move(sentence);
    parsed_.fault_line = line_;
  }

  void take(std::string_view line) {
    OrchFile& file = parsed_.file;
    switch (line_) {
      case 1:
        if (const std::string_view fault = orch_conductor_fault(line); !fault.empty())
          return fail(std::string(fault));
        file.conductor = line;
        return;
      case 2:
        if (const std::string_view fault = orch_name_fault(line); !fault.empty())
          return fail(std::string(fault));
        file.name = line;
        return;
      case 3: return take_digest(line, file.sha1);
      case 4: return take_number(line, "the size of the file in bytes", file.size.value);
      case 5:
        take_number(line, "the size of a part in bytes", file.part_size.value);
        if (parsed_.fault.empty() && file.part_size.value == 0) fail("a part has at least one byte");
        return;
      case 6: return take_count(line);
      default: return take_part(line);
    }
  }

  void take_number(std::string_view line, std::string_view what, std::uint64_t& into) {
    const std::optional<std::uint64_t> number = number_of(line);
    if (!number) return fail("here stands " + std::string(what) + ", a decimal number");
    into = *number;
  }

  void take_digest(std::string_view line, Sha1& into) {
    const std::optional<Sha1> digest = sha1_of(line);
    if (!digest) return fail("here stands a SHA-1, 40 hexadecimal digits");
    into = *digest;
  }

  void take_count(std::string_view line) {
    std::uint64_t count = 0;
    take_number(line, "the number of parts", count);
    const std::uint64_t right = orch_part_count(parsed_.file.size, parsed_.file.part_size);
    if (parsed_.fault.empty() && count != right)
      fail("a file of " + std::to_string(parsed_.file.size.value) + " bytes has " + std::to_string(right) +
           " parts of " + std::to_string(parsed_.file.part_size.value) + " bytes, not " +
           std::to_string(count));
  }

  void take_part(std::string_view line) {
    if (line_ - lines_before_parts > part_count()) {
      if (!line.empty()) fail("there are more lines than parts");
      return;
    }
    take_digest(line, parsed_.file.parts.emplace_back());
  }

  void check_end() {
    const std::size_t lines = line_;
    ++line_;
    if (lines < lines_before_parts) return fail("the file ends before its six lines of description do");
    if (parsed_.file.parts.size() < part_count())
      fail("the file ends after the SHA-1 of " + std::to_string(parsed_.file.parts.size()) + " of " +
           std::to_string(part_count()) + " parts");
  }

  std::uint64_t part_count() const { return orch_part_count(parsed_.file.size, parsed_.file.part_size); }

  OrchParsed parsed_;
  std::size_t line_ = 0;
};

}  // namespace

OrchParsed parse_orch(std::string_view text) { return Parsing().parse(text); }

std::string orch_text(const OrchFile& file) {
  std::string text = head_of(file.conductor, file.name, file.sha1, file.size, file.part_size);
  for (const Sha1& part : file.parts) text.append(part.hex()).append("\n");
  return text;
}

std::string_view orch_conductor_fault(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos)
    return "here stands where the conductor is, as `ip:port`";
  const std::string_view host = text.substr(0, colon);
  if (host.empty() || host.size() > 255 || host.front() == '-' ||
      !std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
               c == '-' || c == '_';
      }))
    return "before the colon stands the conductor's ip or host name";
  const std::optional<std::uint64_t> port = number_of(text.substr(colon + 1));
  if (!port || *port == 0 || *port > 65535) return "after the colon stands the conductor's port, 1 to 65535";
  return {};
}

std::string_view orch_name_fault(std::string_view text) {
  if (text.empty()) return "here stands the name of the file";
  if (text.size() > orch_name_max) return "a name has at most 256 bytes";
  if (std::any_of(text.begin(), text.end(), is_control)) return "a name has no control characters";
  if (text.front() == '/')
    return "a name is a relative path: files are made in the folder of your choice only";
  for (std::string_view rest = text;;) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view word = rest.substr(0, end);
    if (word == "..") return "a name does not lead upwards with `..`";
    if (end == rest.size()) {
      if (word.empty() || word == ".") return "a name is that of a file, not of a folder";
      return {};
    }
    rest.remove_prefix(end + 1);
  }
}

// --- composing ------------------------------------------------------------------------------------------------

OrchComposer::OrchComposer(std::string_view conductor, std::string_view name, ByteCount size,
                           ByteCount part_size)
    : head_(head_of(conductor, name, Sha1{}, size, part_size)),
      whole_at_(conductor.size() + name.size() + 2),  // and two line ends
      size_(size),
      part_size_(part_size) {}

std::string OrchComposer::add(ByteView bytes) {
  std::string lines;
  whole_.update(bytes);
  done_ += ByteCount{bytes.size()};
  while (!bytes.empty()) {
    const std::size_t taken =
        static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), part_size_.value - in_part_.value));
    part_.update(bytes.first(taken));
    in_part_ += ByteCount{taken};
    bytes = bytes.subspan(taken);
    if (in_part_ == part_size_) lines += end_part();
  }
  return lines;
}

std::optional<OrchComposer::End> OrchComposer::finish() {
  if (done_ != size_) return std::nullopt;
  End end;
  if (in_part_.value != 0) end.last_line = end_part();
  end.whole = whole_.finish().hex();
  return end;
}

std::string OrchComposer::end_part() {
  in_part_ = {};
  return part_.finish().hex() + "\n";
}

}  // namespace tutti
