# Prime numbers, one segment at a time, so that memory stays small.
class PrimeSieve
  include Enumerable

  def initialize(segment: 32_768)
    raise ArgumentError, "segment must be positive" unless segment.positive?

    @segment = segment
  end

  def each
    return enum_for(:each) unless block_given?

    base = []
    start = 2
    loop do
      stop = start + @segment
      composite = Array.new(@segment, false)
      base.each { |prime| mark(composite, prime, start, stop) }
      (start...stop).each do |number|
        next if composite[number - start]

        yield number
        base << number
        mark(composite, number, start, stop)
      end
      start = stop
    end
  end

  def self.factors(number)
    new(segment: 64).each_with_object([]) do |prime, found|
      return found if number == 1
      return found << number if prime * prime > number

      while (number % prime).zero?
        found << prime
        number /= prime
      end
    end
  end

  private

  def mark(composite, prime, start, stop)
    first = [prime * prime, (start + prime - 1) / prime * prime].max
    first.step(stop - 1, prime) { |multiple| composite[multiple - start] = true } if first < stop
  end
end

puts PrimeSieve.new.first(20).join(" ")
puts PrimeSieve.factors(360).inspect
