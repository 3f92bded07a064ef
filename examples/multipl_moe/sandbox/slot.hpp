/// Slots of a machine: numbers that no two running programs have at the same time.
#pragma once

#include <string>
#include <vector>

#include "multipl_moe/io/file.hpp"

namespace multipl_moe::sandbox {

/// The number of a slot, held until this object is destroyed or the process ends, however it ends.
struct SlotLock {
  int number = 0;
  std::string name;  ///< with the user and the number: "moelayers-sandbox-1000-3"
  Descriptor held;
};

/// The first `count` free numbers of this user. Throws Failure if there are not that many.
std::vector<SlotLock> lock_slots(int count);

/// Whether that is the name of a slot of this user in which no running program has a job: one of `own`, before its
/// first job, or one that is not locked.
bool is_left(const std::string& name, const std::vector<SlotLock>& own);

/// Kills the sandboxes that earlier runs which were killed have left, waits for their end, and removes the folders of
/// these runs among the temporary files. Throws Failure if a process does not end.
void end_leftovers(const std::vector<SlotLock>& own);

}  // namespace multipl_moe::sandbox
