#include "shell/tools/trace_printer.hpp"

#include <cstdint>
#include <iomanip>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <variant>

#include "messages/catalogue.hpp"

namespace tutti {

namespace {

/// Mermaid ends a message at `;` and `#`, and renders what looks like HTML.
std::string for_mermaid(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case ';': safe += "#59;"; break;
      case '#': safe += "#35;"; break;
      case '<': safe += "#lt;"; break;
      case '>': safe += "#gt;"; break;
      case '&': safe += "#amp;"; break;
      default: safe += c;
    }
  }
  return safe;
}

class Printer {
 public:
  Printer(const TracePrinting& how, std::ostream& out) : how_(how), out_(out) {}

  void take(const AddressNamed& named) { names_[named.address] = named.name; }
  // For replays.
  void take(const ProcessBegan&) {}
  void take(const ActorStepped&) {}
  void take(const TraceEnded& ended) {
    if (how_.mermaid) {
      out_ << "  %% the trace ends: " << ended.reason << '\n';
    } else {
      out_ << "the trace ends: " << ended.reason << '\n';
    }
  }
  void take(const EnvelopeDelivered& delivered) {
    if (!begin_ns_) begin_ns_ = delivered.at_ns;
    std::string text = describe(delivered.body, how_.most_bytes);
    if (!passes(delivered, text)) return;
    if (delivered.payload_size > 0) text += " + " + std::to_string(delivered.payload_size) + " bytes";
    how_.mermaid ? print_arrow(delivered, text) : print_line(delivered, text);
  }

 private:
  bool passes(const EnvelopeDelivered& delivered, const std::string& text) const {
    const auto has = [&](std::string_view where) {
      return where.find(how_.filter) != std::string_view::npos;
    };
    return has(name_of(delivered.from)) || has(name_of(delivered.to)) ||
           has(std::string_view(text).substr(0, text.find('{')));
  }

  void print_line(const EnvelopeDelivered& delivered, const std::string& text) {
    const std::int64_t micros = (delivered.at_ns - *begin_ns_) / 1000;
    out_ << micros / 1'000'000 << '.' << std::setfill('0') << std::setw(6) << micros % 1'000'000 << "  "
         << name_of(delivered.from) << " -> " << name_of(delivered.to) << ": " << text << '\n';
  }

  void print_arrow(const EnvelopeDelivered& delivered, const std::string& text) {
    for (const Address address : {delivered.from, delivered.to})
      if (drawn_.insert(address).second)
        out_ << "  participant a" << address.value << " as " << for_mermaid(name_of(address)) << '\n';
    out_ << "  a" << delivered.from.value << (delivered.outside ? "-->>" : "->>") << 'a' << delivered.to.value
         << ": " << for_mermaid(text) << '\n';
  }

  std::string name_of(Address address) const {
    if (address.value == 0) return "kernel";
    const auto name = names_.find(address);
    return name == names_.end() ? "address " + std::to_string(address.value) : name->second;
  }

  const TracePrinting& how_;
  std::ostream& out_;
  std::map<Address, std::string> names_;
  std::set<Address> drawn_;
  std::optional<std::int64_t> begin_ns_;
};

}  // namespace

void print_trace(TraceReader& reader, const TracePrinting& how, std::ostream& out) {
  if (how.mermaid) out << "sequenceDiagram\n";
  Printer printer(how, out);
  while (out) {
    const std::optional<TraceRecord> record = reader.next();
    if (!record) break;
    std::visit([&](const auto& each) { printer.take(each); }, record->value);
  }
  if (reader.is_torn()) out << (how.mermaid ? "  %% " : "") << "the trace ends amid a record\n";
}

}  // namespace tutti
