#pragma once

#include <cstddef>
#include <iosfwd>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "actors/injection_host.hpp"
#include "shell/tools/actor_kind.hpp"
#include "shell/tools/message_text.hpp"

namespace tutti {

/// Runs a script of messages into one actor of an injection host and prints what it answers, as it comes.
///
///     # comment; a line that ends in \ goes on in the next
///     seed 7                                     of chance, before the actor; 1 if not said
///     refuse 127.0.0.1:6000                      nobody can listen there
///     actor uploader listen=127.0.0.1:6000       the actor under test, with settings (inject --list)
///     let $gid x'00000000000000000000000000000001'     $gid stands for that from now on
///     alice -> uploader: ServeFile{…}            alice says it; names are born by use
///     alice -> uploader: StoreBlock{…} + 512 bytes     with a payload of zeros; or of + x'0af1'
///     expect uploader -> alice: Told{command: $c, *}   the oldest message for alice (patterns: message_text.hpp)
///     expect silence                             nothing (more) was said; or: expect silence alice
///     expect fault "does not accept"             the newest fault has this in it
///     advance 250ms                              us, ms, s, min
///     link up 127.0.0.1:5000 as t1               the link that the actor opened stands; t1 names it from now on
///     link down t1 silent                        disconnected, silent, unreachable, misbehaved, closed
///     accept 127.0.0.1:6000 as bob 22…22         bob, who has proven this key, connects to a door of the actor
///     ready 0                                    file descriptor 0 can be read
///     forget                                     what was said so far is not expected any more; or: forget alice
///     links                                      prints the open links
///     stop                                       asks the actor to stop
///
/// In messages `@name` is the address of somebody, and `$name` the value that `let` or an expectation gave it.
class InjectScript {
 public:
  InjectScript(std::span<const ActorKind> kinds, std::ostream& out) : kinds_(kinds), out_(out) {}

  /// Runs a whole script. Throws ExpectationFailed or BadRequest, both with `name` and line number in front.
  void run(std::istream& input, std::string_view name);
  std::size_t expectations() const { return expectations_; }

 private:
  struct Sides {
    std::string from;
    std::string to;
    std::string_view message;
  };
  struct Spoken {
    std::vector<std::string> message;  // tokens
    std::optional<Bytes> payload;      // what was written after '+'
    bool zeros = false;                // '+ N bytes': only the size counts when expected
  };

  void statement(std::string_view line);
  void begin(std::string_view rest);
  void let(std::string_view rest);
  void inject(std::string_view line);
  void expect(std::string_view rest);
  void expect_message(std::string_view rest);
  void expect_fault(std::string_view rest);
  void link(std::string_view rest);
  void accept(std::string_view rest);
  void forget(std::string_view rest);
  void print_links();

  Sides sides_of(std::string_view text) const;
  Spoken spoken_in(std::string_view text);
  std::optional<Address> find(std::string_view name) const;
  Address known(std::string_view name) const;
  Address known_or_new(const std::string& name);
  InjectionHost& host();
  std::string shown(const Envelope& envelope) const;
  std::string name_of(Address address) const;
  void print_news();
  std::string now() const;

  std::span<const ActorKind> kinds_;
  std::ostream& out_;
  std::uint64_t seed_ = 1;
  std::vector<std::string> refused_;
  std::optional<InjectionHost> host_;
  Address actor_;
  std::map<std::string, Address, std::less<>> names_;
  Bindings bindings_;
  std::size_t printed_ = 0;  // messages of the outbox
  std::size_t faults_printed_ = 0;
  std::size_t expectations_ = 0;
};

}  // namespace tutti
