#include "tests/simulation/library/told_apart.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <csignal>
#include <cstdio>
#include <vector>

#include "actors/digest.hpp"
#include "actors/ensure.hpp"
#include "messages/codec.hpp"

namespace tutti::simulation {

namespace {

/// More than any story takes: a small one a second or two, under sanitizers.
rlim_t patience_for(const Scenario& scenario) { return 300 + 60 * scenario.clients.size(); }

struct ToldOutcome {
  bool violated = false;
  std::uint8_t invariant = 0;
  std::string sentence;
  std::int64_t when_ns = 0;
  std::uint64_t hash = 0, deliveries = 0, acknowledged = 0;
  std::uint32_t faults = 0, deeds = 0;
  std::uint64_t virtual_seconds = 0;  ///< the bits of a double, as `source_copies` and `fairness`
  std::uint64_t source_copies = 0, fairness = 0, pieces = 0;
  TUTTI_RECORD(ToldOutcome, violated, invariant, sentence, when_ns, hash, deliveries, acknowledged, faults,
               deeds, virtual_seconds, source_copies, fairness, pieces);
};

ToldOutcome words_of(const Outcome& outcome) {
  ToldOutcome told;
  if (outcome.violation) {
    told.violated = true;
    told.invariant = static_cast<std::uint8_t>(outcome.violation->invariant);
    told.sentence = outcome.violation->sentence;
    told.when_ns = outcome.violation->when.time_since_epoch().count();
  }
  told.hash = outcome.hash;
  told.deliveries = outcome.deliveries;
  told.acknowledged = outcome.acknowledged;
  told.faults = outcome.faults;
  told.deeds = outcome.deeds;
  told.virtual_seconds = std::bit_cast<std::uint64_t>(outcome.virtual_seconds);
  told.source_copies = std::bit_cast<std::uint64_t>(outcome.source_copies);
  told.fairness = std::bit_cast<std::uint64_t>(outcome.fairness);
  told.pieces = outcome.pieces;
  return told;
}

Outcome outcome_of(const ToldOutcome& told) {
  Outcome outcome;
  if (told.violated)
    outcome.violation = Violation{static_cast<Invariant>(told.invariant), told.sentence,
                                  Instant(std::chrono::nanoseconds(told.when_ns))};
  outcome.hash = told.hash;
  outcome.deliveries = told.deliveries;
  outcome.acknowledged = told.acknowledged;
  outcome.faults = told.faults;
  outcome.deeds = told.deeds;
  outcome.virtual_seconds = std::bit_cast<double>(told.virtual_seconds);
  outcome.source_copies = std::bit_cast<double>(told.source_copies);
  outcome.fairness = std::bit_cast<double>(told.fairness);
  outcome.pieces = told.pieces;
  return outcome;
}

/// A file in memory that two processes share.
class Slate {
 public:
  explicit Slate(const char* name) : file_(memfd_create(name, MFD_CLOEXEC)) { ENSURE(file_ >= 0); }
  ~Slate() { ::close(file_); }
  Slate(const Slate&) = delete;
  Slate& operator=(const Slate&) = delete;
  int descriptor() const { return file_; }
  Bytes read() const {
    Bytes bytes;
    std::array<std::uint8_t, 4096> some{};
    for (ssize_t got = 0;
         (got = ::pread(file_, some.data(), some.size(), static_cast<off_t>(bytes.size()))) > 0;)
      bytes.insert(bytes.end(), some.begin(), some.begin() + got);
    return bytes;
  }

 private:
  int file_;
};

/// What a process that ended in the middle of a story has said of it.
std::string complaint_in(const Bytes& printed) {
  const std::string text(printed.begin(), printed.end());
  for (const std::string_view sign : {"bug: ", "runtime error: ", "ERROR: ", "terminate called"})
    if (const std::size_t at = text.find(sign); at != std::string::npos)
      return text.substr(at, text.find('\n', at) - at);
  return "the process has ended without a word";
}

[[noreturn]] void tell_here(std::uint64_t seed, const Scenario& scenario, const Seams& seams,
                            const Slate& words, const Slate& result) {
  // A test's framework would take these for its own.
  for (const int each : {SIGABRT, SIGSEGV, SIGFPE, SIGILL, SIGBUS}) std::signal(each, SIG_DFL);
  dup2(words.descriptor(), STDERR_FILENO);
  const rlimit patience{patience_for(scenario), patience_for(scenario) + 1};
  setrlimit(RLIMIT_CPU, &patience);
  const Bytes bytes = encode_record(words_of(Simulation(seed, scenario, seams).run()));
  ENSURE(::write(result.descriptor(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  _exit(0);
}

}  // namespace

Outcome tell_apart(std::uint64_t seed, const Scenario& scenario, const Seams& seams) {
  // Here, since OpenSSL reads its configuration at the first digest of a process.
  [[maybe_unused]] static const Sha256 first = sha256({});
  const Slate words("words");
  const Slate result("outcome");
  std::fflush(nullptr);
  const pid_t child = fork();
  ENSURE(child >= 0);
  if (child == 0) tell_here(seed, scenario, seams, words, result);
  int status = 0;
  ENSURE(waitpid(child, &status, 0) == child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    const Decoded<ToldOutcome> told = decode_record<ToldOutcome>(result.read());
    ENSURE(told);
    return outcome_of(*told);
  }
  Outcome outcome;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) {
    outcome.violation = Violation{Invariant::goes_on, "the story has no end", {}};
  } else {
    outcome.violation = Violation{Invariant::no_bug, complaint_in(words.read()), {}};
  }
  return outcome;
}

}  // namespace tutti::simulation
