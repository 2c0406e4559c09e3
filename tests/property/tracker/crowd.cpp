#include "tests/property/tracker/crowd.hpp"

#include "tests/unit/tracker/state_support.hpp"
#include "tracker/version_vector.hpp"

namespace tutti::test {

namespace {

using namespace std::chrono_literals;

constexpr Duration patience = 1500ms;
constexpr Duration redial_pause = 5ms;
constexpr std::uint64_t thinking_max = 40;
// Clients that think of a new name in the same moment think of the same one.
constexpr Duration moment = 30ms;
constexpr const char* password = "p";
// Who has logged in is taken to be there for longer.
constexpr Duration present_for_certain = 10s;

}  // namespace

ModelClient::ModelClient(Network& network, Checker& checker, std::uint8_t number, const Weather& weather)
    : network_(network),
      checker_(checker),
      number_(number),
      says_floors_(weather.floors),
      asks_tickets_(weather.tickets) {
  begin_anew();
}

/// Somebody else's client, who has seen nothing yet.
void ModelClient::begin_anew() {
  key_ = id_of<ClientKey>(number_);
  key_.bytes[0] = ++incarnation_;
  counter_ = {};
  token_ = {};
  floor_ = {};
  tracker_ = network_.random().below(network_.size());
}

void ModelClient::live(bool quiet) {
  const Instant now = network_.now();
  if (!wire_ && now >= next_) dial();
  if (wire_ && now - heard_ > patience && (asked_ || !welcome_)) {
    network_.hang_up(*wire_);
    move_on();
  }
  if (quiet || asked_ || !welcome_ || now < next_) return;
  ++counter_;
  asked_ = Asked{key_, {counter_, token_, floor_, next_wish()}, now, {}, {}};
  say();
}

void ModelClient::dial() {
  wire_ = network_.dial(tracker_, "10.0.0." + std::to_string(number_) + ":40000", key_, *this);
  if (!wire_) return move_on();
  heard_ = network_.now();
  logged_in_.reset();
  told_.reset();
  network_.say(*wire_, Hello{1, asks_tickets_ ? tickets_version : std::uint16_t{1}, key_, "test"});
}

void ModelClient::move_on() {
  wire_.reset();
  welcome_ = false;
  next_ = network_.now() + redial_pause;
  tracker_ = (tracker_ + 1) % network_.size();
}

void ModelClient::say() {
  heard_ = network_.now();
  asked_->said = network_.now();
  asked_->held.clear();
  for (std::size_t i = 0; i < network_.size(); ++i) asked_->held.push_back(network_.disk(i).at);
  network_.say(*wire_, asked_->request);
}

void ModelClient::is_down(WireId wire) {
  if (wire_ == wire) move_on();
}

void ModelClient::leaves(std::size_t tracker, const Answer& answer) {
  if (asked_ && answer.counter == asked_->request.counter) checker_.answered(tracker, *asked_, answer);
}

void ModelClient::arrives(WireId wire, const Envelope& envelope) {
  if (wire_ != wire) return;
  heard_ = network_.now();
  if (envelope.id == Welcome::message_id) {
    welcome_ = true;
    if (asked_) say();
  }
  if (envelope.id == GroupChanged::message_id) told_ = network_.now();
  if (envelope.id != Answer::message_id) return;
  const Answer answer = *decode<Answer>(envelope.body);
  if (!asked_ || answer.counter != asked_->request.counter) return;
  check_told(answer);
  if (network_.random().chance(1, 12)) {
    // The link breaks just before it would have come.
    network_.hang_up(wire);
    return move_on();
  }
  conclude(answer);
}

/// Who has removed somebody is a member who is there, and so is told what other members are told.
void ModelClient::check_told(const Answer& answer) {
  if (answer.what.get<LoggedIn>() != nullptr) logged_in_ = network_.now();
  const bool is_fresh = asked_->since == asked_->said;
  if (asked_->request.what.get<RemoveMember>() == nullptr || answer.what.get<Done>() == nullptr || !is_fresh)
    return;
  if (!asks_tickets_ || !logged_in_ || network_.now() - *logged_in_ > present_for_certain) return;
  if (!told_ || *told_ < asked_->said)
    checker_.report(Invariant::departure_is_told,
                    "a member was removed, and who has removed it is told of no departure");
}

void ModelClient::conclude(const Answer& answer) {
  asked_.reset();
  if (says_floors_) floor_ = merged(floor_, answer.at);
  next_ = network_.now() + std::chrono::milliseconds(network_.random().below(thinking_max));
  if (const auto* logged_in = answer.what.get<LoggedIn>()) token_ = logged_in->token;
  const auto* refused = answer.what.get<Refused>();
  if (refused != nullptr && refused->code == Code::not_logged_in) token_ = {};
  const std::size_t tracker = tracker_;
  const bool is_another = network_.random().chance(1, 40);
  if (is_another || network_.random().chance(1, 10)) {
    network_.hang_up(*wire_);
    move_on();
  }
  if (is_another) begin_anew();
  if (refused == nullptr && succeeded) succeeded(tracker);
}

// --- wishes ---------------------------------------------------------------------------------------------------------

std::string ModelClient::some_user() {
  static constexpr std::array<const char*, 5> users{"anna", "bob", "carl", "dora", "eve"};
  return users[network_.random().below(users.size())];
}

std::string ModelClient::some_group() {
  static constexpr std::array<const char*, 3> groups{"choir", "band", "lab"};
  return groups[network_.random().below(groups.size())];
}

AddFile ModelClient::some_file(const std::string& group) {
  return {{group}, metainfo_of("song", static_cast<std::uint8_t>(1 + network_.random().below(2)))};
}

ClientRequest ModelClient::next_wish() {
  const std::string fresh = "n" + std::to_string(network_.now().time_since_epoch() / moment);
  if (network_.random().chance(1, 10)) return {CreateUser{{fresh}, password}};
  if (token_.is_zero()) {
    if (network_.random().chance(1, 3)) return {CreateUser{{some_user()}, password}};
    return {Login{{some_user()}, password, "", 7000}};
  }
  if (network_.random().chance(1, 15)) return {CreateGroup{{fresh}}};
  if (network_.random().chance(1, 4)) return {ListMembers{{some_group()}, ""}};
  if (asks_tickets_ && network_.random().chance(1, 12)) return {RemoveMember{{some_group()}, {some_user()}}};
  if (asks_tickets_ && network_.random().chance(1, 4)) {
    const Gid gid = checker_.group_called(some_group());
    if (network_.random().chance(1, 3)) return {AskTicketRules{gid}};
    return {AskTicket{gid}};
  }
  return wish_of_a_group();
}

ClientRequest ModelClient::wish_of_a_group() {
  const std::string group = some_group();
  switch (network_.random().below(17)) {
    case 0:
    case 1: return {CreateGroup{{group}}};
    case 2:
    case 3:
    case 4: return {JoinGroup{{group}}};
    case 5:
    case 6:
    case 7: return {AcceptRequest{{group}, {some_user()}}};
    case 8: return {RejectRequest{{group}, {some_user()}}};
    case 9:
    case 10: return {LeaveGroup{{group}}};
    case 11: return {some_file(group)};
    case 12: return {StopShare{{group}, {"song"}}};
    case 13: return {FindFile{{group}, {"song"}}};
    case 14: return {Logout{}};
    case 15: return {RemoveMember{{group}, {some_user()}}};
    default: return {ListGroups{}};
  }
}

}  // namespace tutti::test
