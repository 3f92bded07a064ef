#include "multipl_moe/data/language.hpp"

#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace language_test {

using namespace multipl_moe;

TEST_CASE("languages and their names map to each other") {
  for (const Language language : all_languages) CHECK(language_named(name_of(language)) == language);
  CHECK(title_of(Language::cpp) == "C++");
  CHECK_THROWS_AS(language_named("c++"), UsageError);
  CHECK_THROWS_WITH(language_named("perl"),
                    "[language] must be one of python, java, cpp, rust, go, ruby, found 'perl'");
}

TEST_CASE("a file's language is that of its extension") {
  CHECK(language_of("a/b.py") == Language::python);
  CHECK(language_of("Main.java") == Language::java);
  for (const char* const name : {"a.cpp", "a.cc", "a.cxx", "a.hpp", "a.hxx", "a.ipp", "a.h"})
    CHECK(language_of(name) == Language::cpp);
  CHECK(language_of("lib.rs") == Language::rust);
  CHECK(language_of("main.go") == Language::go);
  CHECK(language_of("x.tar.rb") == Language::ruby);
  for (const char* const name : {"a.c", "a.PY", "py", ".py", "a.py.orig", "a."})
    CHECK_FALSE(language_of(name).has_value());
}

TEST_CASE("a tag is a language's name or a usual alias, in upper or lower case") {
  for (const Language language : all_languages) CHECK(language_tagged(name_of(language)) == language);
  CHECK(language_tagged("C++") == Language::cpp);
  CHECK(language_tagged("Py") == Language::python);
  for (const char* const tag : {"", "c", "perl", "py ", "python2"}) CHECK_FALSE(language_tagged(tag).has_value());
}

TEST_CASE("three languages are high-resource and three low-resource") {
  for (const Language language : {Language::python, Language::java, Language::cpp})
    CHECK(resource_of(language) == Resource::high);
  for (const Language language : {Language::rust, Language::go, Language::ruby})
    CHECK(resource_of(language) == Resource::low);
}

}  // namespace language_test
