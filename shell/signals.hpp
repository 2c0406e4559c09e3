#pragma once

#include <cstdint>
#include <optional>

namespace tutti {

/// What the system or the user tells the program beside its input.
enum class Signal : std::uint8_t { interrupt, terminate, hang_up, resize, resumed };

/// Signals as something to be read: no handler runs in the middle of anything.
class Signals {
 public:
  Signals() = default;
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  virtual ~Signals() = default;

  /// To be watched.
  virtual int descriptor() const = 0;
  /// The next one that came, or nothing.
  virtual std::optional<Signal> next() = 0;
};

/// SIGINT, SIGTERM, SIGHUP, SIGWINCH and SIGCONT by signalfd(2). Blocks them in the calling thread, so make it before
/// any thread is started: they all inherit that. SIGPIPE is ignored; a closed pipe is an error of its write.
class SignalDescriptor final : public Signals {
 public:
  SignalDescriptor();
  ~SignalDescriptor() override;
  int descriptor() const override { return descriptor_; }
  std::optional<Signal> next() override;

 private:
  int descriptor_ = -1;
};

}  // namespace tutti
