MOE_TEST_HIDES(listed, gemm);
MOE_TEST_HIDES(forgotten, gemm);
MOE_TEST_HIDES(untested, segments);
MOE_TEST_HIDES(alone, segments);
