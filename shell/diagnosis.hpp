#pragma once

#include <string>
#include <vector>

#include "shell/outcome.hpp"

namespace tutti {

/// What a diagnosis has found, in whole sentences, what matters most first. Never empty if there is a download or a share
/// to speak of; every figure in it was measured.
std::vector<std::string> sentences_of(const DiagnosisReport& report);

}  // namespace tutti
