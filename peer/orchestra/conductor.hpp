#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "actors/actor.hpp"
#include "actors/payload_gauge.hpp"
#include "messages/byte_stream.hpp"
#include "messages/inside_orchestra.hpp"
#include "peer/orchestra/conductor_table.hpp"
#include "peer/orchestra/conductor_words.hpp"

namespace tutti {

struct ConductorOptions {
  std::string endpoint = "0.0.0.0:9999";
  Duration caller_patience = std::chrono::seconds(10);
  /// Nine questions of an original that finds all of its fellows alive.
  Duration forgotten_after = std::chrono::seconds(90);
};

/// Answers members who ask who shares their file. Owns the door; who is named is the table's decision.
///
/// Rules:
/// - One question a connection, then it is ended from here, as the members of the originals expect. Not before the answer
///   has left: what libzmq still holds of a connection goes with it.
/// - Whoever takes longer than `caller_patience` to ask, or to take the answer, is hung up on; so is who asks for what
///   there is not, with no answer, as the originals do.
class Conductor final : public ActorOf<Conductor, Joined<ConductorRole::Accepts, ByteStreamMessages,
                                                         Messages<CallerOverdue, HangUpDue, ForgetDue>>> {
 public:
  Conductor(ConductorOptions options, Ref<ConductorConsoleRole> console, std::shared_ptr<Opened> door);

  void start(Context& context) override;
  void check_invariants() const override;

  void on(const LinkUp& up, Context& context);
  void on(const LinkDown& down, Context& context);
  void on(const StreamBytes& bytes, Context& context);
  void on(const TableWanted& wanted, Context& context);
  void on(const CallerOverdue& overdue, Context& context);
  void on(const HangUpDue& due, Context& context);
  void on(const ForgetDue& due, Context& context);

 private:
  struct Caller {
    std::string host;
    TimerId overdue;
    QuestionReader question = {};
    bool answered = false;
    PayloadGauge answer = {};
  };

  void answer(Address link, Caller& caller, const ConductorQuestion& question, Context& context);
  void hang_up(Address link, Context& context);
  void forget_later(Context& context);

  const ConductorOptions options_;
  const Ref<ConductorConsoleRole> console_;
  const std::shared_ptr<Opened> door_;
  ConductorTable table_;
  std::map<Address, Caller> callers_;
  std::size_t answered_ = 0;  ///< callers that have not taken all of it
  bool hang_up_due_ = false;  ///< HangUpDue is on its way
  bool forget_due_ = false;   ///< so is ForgetDue
};

}  // namespace tutti
