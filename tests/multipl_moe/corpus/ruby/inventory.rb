# frozen_string_literal: true

# Goods in a warehouse, by article number.
class Inventory
  include Enumerable

  Item = Struct.new(:number, :name, :count, :price, keyword_init: true) do
    def value
      count * price
    end
  end

  class OutOfStock < StandardError
    def initialize(item, wanted)
      super("#{item.name}: #{wanted} wanted, #{item.count} in stock")
    end
  end

  def initialize
    @items = {}
  end

  def add(number, name:, price:, count: 1)
    item = (@items[number] ||= Item.new(number: number, name: name, count: 0, price: price))
    item.count += count
    item.price = price
    item
  end

  def take(number, count: 1)
    item = @items.fetch(number) { raise KeyError, "no article #{number}" }
    raise OutOfStock.new(item, count) if item.count < count

    item.count -= count
    item
  end

  def each(&block)
    return enum_for(:each) unless block

    @items.each_value(&block)
  end

  def total
    sum(&:value)
  end

  def scarce(below: 5)
    select { |item| item.count < below }.sort_by { |item| [item.count, item.name] }
  end
end

if __FILE__ == $PROGRAM_NAME
  inventory = Inventory.new
  inventory.add("B-17", name: "bolt", price: 0.05, count: 400)
  inventory.add("N-03", name: "nut", price: 0.03, count: 3)
  inventory.take("B-17", count: 150)
  inventory.scarce.each { |item| puts "order more of #{item.name} (#{item.count} left)" }
  puts format("total value: %.2f", inventory.total)
end
