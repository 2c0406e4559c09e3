#include "shell/tools/inject_script.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <istream>
#include <ostream>

#include "messages/catalogue.hpp"

namespace tutti {

namespace {

constexpr std::size_t payload_bytes_max = 64U << 20U;
/// Bytes of one value that are printed.
constexpr std::size_t bytes_shown = 16;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

/// Takes the first word off `rest`.
std::string take_word(std::string_view& rest) {
  rest = trimmed(rest);
  const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  const std::string word(rest.substr(0, end));
  rest = trimmed(rest.substr(end));
  return word;
}

/// The next `name=value`, whose value may stand in quotes to have spaces in it. The quotes are taken off.
std::string take_setting(std::string_view& rest) {
  const std::size_t quote = rest.find("=\"");
  if (quote == std::string_view::npos || quote > rest.find_first_of(" \t")) return take_word(rest);
  const std::size_t end = rest.find('"', quote + 2);
  if (end == std::string_view::npos) throw BadRequest("a quoted value does not end");
  std::string word(rest.substr(0, quote + 1));
  word += rest.substr(quote + 2, end - quote - 2);
  rest = trimmed(rest.substr(end + 1));
  return word;
}

std::uint64_t number_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size())
    throw BadRequest("'" + std::string(text) + "' is no number");
  return value;
}

Duration duration_of(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::uint64_t count = number_of(text.substr(0, digits));
  const std::string_view unit = trimmed(text.substr(digits));
  constexpr std::uint64_t count_max = 1'000'000'000;
  if (count > count_max) throw BadRequest("that is too long");
  const auto times = static_cast<std::int64_t>(count);
  if (unit == "us") return std::chrono::microseconds(times);
  if (unit == "ms") return std::chrono::milliseconds(times);
  if (unit == "s") return std::chrono::seconds(times);
  if (unit == "min") return std::chrono::minutes(times);
  throw BadRequest("a duration is a number with us, ms, s or min: 250ms");
}

LinkLoss loss_of(std::string_view text) {
  const auto at = std::ranges::find(link_loss_names, text);
  if (at == link_loss_names.end()) throw BadRequest("'" + std::string(text) + "' is no way to lose a link");
  return static_cast<LinkLoss>(at - link_loss_names.begin());
}

std::string joined(const std::vector<std::string>& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += (text.empty() ? "" : " ") + token;
  return text;
}

}  // namespace

void InjectScript::run(std::istream& input, std::string_view name) {
  std::string line;
  std::string more;
  for (std::size_t number = 1; std::getline(input, more); ++number) {
    line += more;
    if (line.ends_with('\\')) {
      line.back() = ' ';
      continue;
    }
    const std::string where = std::string(name) + ":" + std::to_string(number) + ": ";
    try {
      statement(trimmed(line));
    } catch (const ExpectationFailed& failed) {
      throw ExpectationFailed(where + failed.what());
    } catch (const std::exception& bad) {
      throw BadRequest(where + bad.what());
    }
    line.clear();
  }
  if (!line.empty()) throw BadRequest(std::string(name) + ": the last line goes on in no other");
}

void InjectScript::statement(std::string_view line) {
  if (line.empty() || line.front() == '#') return;
  std::string_view rest = line;
  const std::string verb = take_word(rest);
  if (rest.starts_with("-> ")) return inject(line);
  if (verb == "actor") return begin(rest);
  if (verb == "seed") {
    seed_ = number_of(rest);
    return;
  }
  if (verb == "refuse") {
    refused_.emplace_back(rest);
    if (host_) host_->refuse_endpoint(std::string(rest), "the address is in use");
    return;
  }
  if (verb == "let") return let(rest);
  if (verb == "expect") return expect(rest);
  if (verb == "links") return print_links();
  if (verb == "forget") return forget(rest);
  out_ << now() << "  " << line << '\n';
  if (verb == "advance") {
    host().advance(duration_of(rest));
  } else if (verb == "link") {
    link(rest);
  } else if (verb == "accept") {
    accept(rest);
  } else if (verb == "ready") {
    host().input_ready(static_cast<int>(number_of(rest)));
  } else if (verb == "stop") {
    host().stop(actor_);
  } else {
    throw BadRequest("'" + verb + "' is nothing that a script can say: see inject --help");
  }
  print_news();
}

void InjectScript::begin(std::string_view rest) {
  if (host_) throw BadRequest("a script has one actor");
  const ActorKind& kind = find_kind(kinds_, take_word(rest));
  Casting::Settings settings;
  while (!rest.empty()) add_setting(take_setting(rest), settings);
  host_.emplace(seed_);
  for (const std::string& endpoint : refused_) host_->refuse_endpoint(endpoint, "the address is in use");
  const CastActor cast = cast_actor(*host_, kind, settings);
  actor_ = cast.address;
  names_ = cast.partners;
  names_[kind.name] = actor_;
  print_news();
}

InjectionHost& InjectScript::host() {
  if (!host_) throw BadRequest("first comes 'actor NAME'");
  return *host_;
}

void InjectScript::let(std::string_view rest) {
  const std::string name = take_word(rest);
  if (!name.starts_with('$') || rest.empty()) throw BadRequest("let $name value");
  bindings_[name] = rest;
}

void InjectScript::inject(std::string_view line) {
  const Sides sides = sides_of(line);
  host();
  const Address from = known_or_new(sides.from);
  const Address to = known(sides.to);
  Spoken spoken = spoken_in(sides.message);
  for (std::string& token : spoken.message) {
    if (!token.starts_with('$')) continue;
    const auto bound = bindings_.find(token);
    if (bound == bindings_.end()) throw BadRequest(token + " has not been remembered by any expectation");
    token = bound->second;
  }
  Decoded<Bytes> body = parse_message(joined(spoken.message));
  if (!body) throw BadRequest(body.fault);
  Envelope envelope{from, to, peek_message_id(*body), std::move(*body.value), {}};
  if (spoken.payload) envelope.payload = Payload::own(std::move(*spoken.payload));
  out_ << now() << "  " << shown(envelope) << '\n';
  host_->inject_encoded(from, to, envelope.id, std::move(envelope.body), std::move(envelope.payload));
  print_news();
}

void InjectScript::expect(std::string_view rest) {
  host();
  ++expectations_;
  std::string_view after = rest;
  const std::string what = take_word(after);
  if (what == "silence") {
    after.empty() ? host_->expect_silence() : host_->expect_silence(known(after));
  } else if (what == "fault") {
    expect_fault(after);
  } else {
    expect_message(rest);
  }
  printed_ = host_->outbox().size();
}

void InjectScript::expect_message(std::string_view rest) {
  const Sides sides = sides_of(rest);
  const Spoken wanted = spoken_in(sides.message);
  if (wanted.message.empty() || find_message(std::string_view(wanted.message.front())) == nullptr)
    throw BadRequest("no message is called '" + (wanted.message.empty() ? "" : wanted.message.front()) + "'");
  const std::optional<Envelope> said = host_->take_oldest(known(sides.to));
  if (!said) throw ExpectationFailed("nothing was said to " + sides.to);
  const MessageEntry* entry = find_message(said->id);
  const Decoded<std::string> text =
      entry == nullptr ? Decoded<std::string>{std::nullopt, "unknown"} : entry->print(said->body, SIZE_MAX);
  const ByteView payload = said->payload.view();
  const bool payload_fits = !wanted.payload || (wanted.zeros ? payload.size() == wanted.payload->size()
                                                             : std::ranges::equal(payload, *wanted.payload));
  if (name_of(said->from) != sides.from || !text ||
      !matches(wanted.message, tokenize(*text).tokens, bindings_) || !payload_fits)
    throw ExpectationFailed("expected " + std::string(rest) + "\n  but it was " + shown(*said));
}

void InjectScript::expect_fault(std::string_view rest) {
  if (rest.size() >= 2 && rest.front() == '"' && rest.back() == '"') rest = rest.substr(1, rest.size() - 2);
  const auto& faults = host_->faults();
  if (faults.empty() || faults.back().find(rest) == std::string::npos)
    throw ExpectationFailed("expected a fault with '" + std::string(rest) + "', got " +
                            (faults.empty() ? "none" : faults.back()));
}

void InjectScript::link(std::string_view rest) {
  const std::string direction = take_word(rest);
  const std::string name = take_word(rest);
  const Address address = known(name);
  if (!host().is_open(address)) throw BadRequest(name + " is no open link");
  const std::string word = take_word(rest);
  if (direction == "up") {
    if (word == "as") names_[take_word(rest)] = address;
    host_->link_up(address);
  } else if (direction == "down") {
    host_->link_down(address, word.empty() ? LinkLoss::disconnected : loss_of(word));
  } else {
    throw BadRequest("a link goes up or down");
  }
}

void InjectScript::accept(std::string_view rest) {
  const Address door = known(take_word(rest));
  if (!host().is_open(door)) throw BadRequest("there is no such door");
  if (take_word(rest) != "as" || rest.empty()) throw BadRequest("accept LISTENER as NAME [HEX KEY]");
  const std::string name = take_word(rest);
  const std::optional<Bytes> key = from_hex(take_word(rest));
  if (!key || (!key->empty() && key->size() != LinkKey::size))
    throw BadRequest("a key has 64 hexadecimal digits");
  names_[name] = host_->accept(door, "127.0.0.1:40000", key->empty() ? LinkKey{} : LinkKey::from(*key));
}

void InjectScript::forget(std::string_view rest) {
  rest.empty() ? host().discard() : host().discard(known(rest));
  printed_ = host_->outbox().size();
}

void InjectScript::print_links() {
  for (const InjectionHost::Link& link : host().links()) {
    constexpr std::array<std::string_view, 8> kinds{
        "listens",    "connects",      "publishes",          "subscribes", "listens for streams to",
        "streams to", "tells keys at", "asks for the key of"};
    out_ << now() << "  link " << kinds[static_cast<std::size_t>(link.kind)] << ' ' << link.endpoint << " ("
         << link.role << "), " << (link.up ? "up" : "down") << '\n';
  }
}

InjectScript::Sides InjectScript::sides_of(std::string_view text) const {
  Sides sides;
  sides.from = take_word(text);
  if (take_word(text) != "->") throw BadRequest("NAME -> NAME: Message{…} was expected");
  sides.to = take_word(text);
  if (!sides.to.ends_with(':')) throw BadRequest("a ':' was expected after '" + sides.to + "'");
  sides.to.pop_back();
  sides.message = text;
  return sides;
}

InjectScript::Spoken InjectScript::spoken_in(std::string_view text) {
  TokenizedText tokens = tokenize(text);
  if (!tokens.fault.empty()) throw BadRequest(tokens.fault);
  Spoken spoken;
  const auto plus = std::ranges::find(tokens.tokens, "+");
  spoken.message.assign(tokens.tokens.begin(), plus);
  for (std::string& token : spoken.message)
    if (token.starts_with('@')) token = std::to_string(known_or_new(token.substr(1)).value);
  const std::vector<std::string> payload(plus, tokens.tokens.end());
  if (payload.empty()) return spoken;
  if (payload.size() == 2 && payload[1].starts_with("x'")) {
    spoken.payload = from_hex(std::string_view(payload[1]).substr(2, payload[1].size() - 3));
  } else if (payload.size() == 3 && payload[2] == "bytes" && number_of(payload[1]) <= payload_bytes_max) {
    spoken.payload = Bytes(number_of(payload[1]));
    spoken.zeros = true;
  }
  if (!spoken.payload) throw BadRequest("a payload is + x'0af1' or + 512 bytes, at most 64 MiB");
  return spoken;
}

std::optional<Address> InjectScript::find(std::string_view name) const {
  if (const auto at = names_.find(name); at != names_.end()) return at->second;
  if (host_)
    for (const InjectionHost::Link& link : host_->links())
      if (link.endpoint == name && link.listener.value == 0 && link.kind != LinkKind::ask_key &&
          link.kind != LinkKind::tell_key)
        return link.address;
  return std::nullopt;
}

Address InjectScript::known(std::string_view name) const {
  const std::optional<Address> address = find(name);
  if (!address) throw BadRequest("nobody is called '" + std::string(name) + "'");
  return *address;
}

Address InjectScript::known_or_new(const std::string& name) {
  const std::optional<Address> address = find(name);
  return address ? *address : names_[name] = host().probe<AnyRole>(name).address;
}

std::string InjectScript::name_of(Address address) const {
  for (const auto& [name, each] : names_)
    if (each == address) return name;
  for (const InjectionHost::Link& link : host_->links())
    if (link.address == address) return link.endpoint;
  return host_->name_of(address);
}

std::string InjectScript::shown(const Envelope& envelope) const {
  std::string text = name_of(envelope.from) + " -> " + name_of(envelope.to) + ": ";
  text += describe(envelope.body, bytes_shown);
  if (!envelope.payload.empty()) text += " + " + std::to_string(envelope.payload.size()) + " bytes";
  return text;
}

void InjectScript::print_news() {
  for (const std::size_t all = host().outbox().size(); printed_ < all; ++printed_)
    out_ << now() << "    " << shown(host_->outbox()[printed_]) << '\n';
  for (; faults_printed_ < host_->faults().size(); ++faults_printed_)
    out_ << now() << "    fault: " << host_->faults()[faults_printed_] << '\n';
}

std::string InjectScript::now() const {
  const auto since = host_ ? host_->time().time_since_epoch() : Duration{};
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(since).count();
  std::string fraction = std::to_string(micros % 1'000'000);
  fraction.insert(0, 6 - fraction.size(), '0');
  return std::to_string(micros / 1'000'000) + "." + fraction;
}

}  // namespace tutti
