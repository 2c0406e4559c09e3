#include "shell/signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "actors/ensure.hpp"

namespace tutti {

SignalDescriptor::SignalDescriptor() {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGCONT}) sigaddset(&wanted, number);
  ENSURE(pthread_sigmask(SIG_BLOCK, &wanted, nullptr) == 0);
  descriptor_ = ::signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
  ENSURE(descriptor_ >= 0);
  std::signal(SIGPIPE, SIG_IGN);
  // A file that may not grow further (ulimit -f) is a full disk, and no reason to end.
  std::signal(SIGXFSZ, SIG_IGN);
}

SignalDescriptor::~SignalDescriptor() { ::close(descriptor_); }

std::optional<Signal> SignalDescriptor::next() {
  signalfd_siginfo info{};
  if (::read(descriptor_, &info, sizeof(info)) != static_cast<ssize_t>(sizeof(info))) return std::nullopt;
  switch (static_cast<int>(info.ssi_signo)) {
    case SIGINT: return Signal::interrupt;
    case SIGHUP: return Signal::hang_up;
    case SIGWINCH: return Signal::resize;
    case SIGCONT: return Signal::resumed;
    default: return Signal::terminate;
  }
}

}  // namespace tutti
