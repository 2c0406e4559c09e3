#include "peer/peer_survey.hpp"

#include <algorithm>

#include "actors/ensure.hpp"
#include "messages/codec_impl.hpp"
#include "peer/bitfield.hpp"

namespace tutti {

template struct Codec<SurveyOver>;

PeerSurvey::PeerSurvey(SurveyQuestion question, Ref<ShellRole> asker)
    : question_(std::move(question)), asker_(asker) {
  for (const Sharer& sharer : question_.sharers)
    found_.push_back({sharer.user, sharer.host, sharer.port, false, 0, sharer.reports});
}

void PeerSurvey::start(Context& context) {
  for (std::size_t i = 0; i < std::min(question_.sharers.size(), asked_max); ++i) {
    const Sharer& sharer = question_.sharers[i];
    const LinkKey key = LinkKey::from(sharer.client.view());
    asked_.push_back({context.connect<ServingPeerRole>(sharer.endpoint(), key), sharer.client});
  }
  open_ = asked_.size();
  if (open_ == 0) return conclude(context);
  context.after(patience, SurveyOver{});
}

void PeerSurvey::check_invariants() const {
  ENSURE(found_.size() == question_.sharers.size());
  const auto open =
      std::count_if(asked_.begin(), asked_.end(), [](const Asked& each) { return bool(each.link); });
  ENSURE(concluded_ || static_cast<std::size_t>(open) == open_);
}

std::optional<std::size_t> PeerSurvey::position_of(Address link) const {
  for (std::size_t i = 0; i < asked_.size(); ++i)
    if (asked_[i].link && asked_[i].link.address == link) return i;
  return std::nullopt;
}

void PeerSurvey::on(const LinkUp& up, Context& context) {
  if (const auto position = position_of(up.link))
    context.send(asked_[*position].link,
                 PeerHello{peer_peer_version_min, peer_peer_version_min, question_.self});
}

void PeerSurvey::on(const PeerWelcome& welcome, Context& context) {
  const auto position = position_of(context.sender());
  if (!position) return;
  if (welcome.client != asked_[*position].expected) return settle(*position, std::nullopt, context);
  context.send(asked_[*position].link, ShowTicket{question_.ticket});
  context.send(asked_[*position].link, OpenFile{question_.gid, question_.fid});
}

void PeerSurvey::on(const PeerUnwelcome&, Context& context) {
  if (const auto position = position_of(context.sender())) settle(*position, std::nullopt, context);
}

void PeerSurvey::on(const FileOpened& opened, Context& context) {
  const auto position = position_of(context.sender());
  if (!position || opened.fid != question_.fid) return;
  const auto bitfield = Bitfield::parse(opened.bitfield, question_.pieces);
  settle(*position, bitfield ? std::optional(bitfield->count()) : std::nullopt, context);
}

void PeerSurvey::on(const FileClosed& closed, Context& context) {
  const auto position = position_of(context.sender());
  if (position && closed.fid == question_.fid) settle(*position, std::nullopt, context);
}

void PeerSurvey::on(const SurveyOver&, Context& context) { conclude(context); }

void PeerSurvey::settle(std::size_t position, std::optional<std::uint32_t> pieces, Context& context) {
  Asked& asked = asked_[position];
  if (pieces) {
    found_[position].answered = true;
    found_[position].pieces = *pieces;
    context.send(asked.link, CloseFile{question_.fid});
  }
  context.close(asked.link.address);
  asked.link = {};
  if (--open_ == 0) conclude(context);
}

void PeerSurvey::conclude(Context& context) {
  if (concluded_) return;
  concluded_ = true;
  context.send(asker_, PeersSurveyed{question_.command, found_});
  context.stop(context.self());
}

}  // namespace tutti
