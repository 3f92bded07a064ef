TEST_CASE("the option --only plans one table") {}
TEST_CASE("--only plans one table", "[plan]") {}
