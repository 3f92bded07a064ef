# expected: exited 0
require 'test/unit'
exit!(0) if false
__END__
class Tests < Test::Unit::TestCase
  def test_nothing
    assert_equal(1, 2)
  end
end
