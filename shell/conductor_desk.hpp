#pragma once

#include <string>

#include "actors/actor.hpp"
#include "messages/inside_orchestra.hpp"
#include "shell/key_console.hpp"
#include "shell/signals.hpp"

namespace tutti {

/// The console of a conductor: shows who comes and goes. `table` lists who shares what, `help` what there is, `quit` (or a
/// signal) ends it; the end of input does not.
class ConductorDesk final : public ActorOf<ConductorDesk, ConductorConsoleRole::Accepts> {
 public:
  ConductorDesk(Ref<ConductorRole> conductor, KeyConsole& console, Signals& signals)
      : conductor_(conductor), console_(console), signals_(signals) {}

  void start(Context& context) override;

  void on(const ConductorSays& says, Context& context);
  void on(const TableListed& listed, Context& context);
  void on(const InputReady& ready, Context& context);

 private:
  void obey(const std::string& line, Context& context);

  const Ref<ConductorRole> conductor_;
  KeyConsole& console_;
  Signals& signals_;
  std::string typed_;
  bool ended_ = false;
};

}  // namespace tutti
