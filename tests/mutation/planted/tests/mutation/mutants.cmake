mutant(sound a.hpp
  BEFORE [==[return 1;]==]
  AFTER [==[return 0;]==]
  REASON "none: nothing is reported for it"
  TESTS a)
mutant(moved a.hpp
  BEFORE [==[return 3;]==]
  AFTER [==[return 4;]==]
  REASON "the line is another one by now"
  TESTS a)
mutant(ambiguous a.hpp
  BEFORE [==[return 2;]==]
  AFTER [==[return 4;]==]
  REASON "the line has a twin"
  TESTS a)
mutant(idle a.hpp
  BEFORE [==[return 1;]==]
  AFTER [==[return 1;]==]
  REASON "no bug at all"
  TESTS a)
mutant(lost gone.hpp
  BEFORE [==[return 1;]==]
  AFTER [==[return 0;]==]
  REASON "the header was renamed"
  TESTS a)
mutant(untested a.hpp
  BEFORE [==[return 1;]==]
  AFTER [==[return 0;]==]
  REASON "a test file was renamed"
  TESTS a gone)
mutant(unwatched a.hpp
  BEFORE [==[return 1;]==]
  AFTER [==[return 0;]==]
  REASON "no test file")
mutant(moved a.hpp
  BEFORE [==[return 1;]==]
  AFTER [==[return 0;]==]
  REASON "two rows of the table with one name"
  TESTS a)
