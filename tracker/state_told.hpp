#pragma once

#include <string>
#include <string_view>

namespace tutti {

/// What somebody is told who lost `name` to another and is now listed as `listed`.
std::string sentence_of_lost_user_name(std::string_view name, std::string_view listed);
std::string sentence_of_lost_group_name(std::string_view name, std::string_view listed);

}  // namespace tutti
