#!/usr/bin/env ruby
# Counts requests by path and status in web server logs.

require "optparse"
require "set"

LINE = /\A(?<host>\S+) \S+ \S+ \[(?<time>[^\]]+)\] "(?<verb>[A-Z]+) (?<path>\S+)[^"]*" (?<status>\d{3}) (?<bytes>\d+|-)/

class Summary
  attr_reader :skipped

  def initialize
    @requests = Hash.new(0)
    @bytes = Hash.new(0)
    @errors = Hash.new { |hash, path| hash[path] = Set.new }
    @skipped = 0
  end

  def add(line)
    match = LINE.match(line)
    return @skipped += 1 unless match

    path = match[:path].split("?").first
    @requests[path] += 1
    @bytes[path] += match[:bytes].to_i
    @errors[path] << match[:status].to_i if match[:status].to_i >= 400
  end

  def report(limit)
    @requests.max_by(limit) { |_, count| count }.map do |path, count|
      errors = @errors.key?(path) ? " errors: #{@errors[path].sort.join(', ')}" : ""
      format("%8d %10d  %s%s", count, @bytes[path], path, errors)
    end
  end
end

options = { limit: 10 }
OptionParser.new do |parser|
  parser.banner = "usage: log_summary [options] FILE..."
  parser.on("-n", "--limit N", Integer, "paths to show (default 10)") { |n| options[:limit] = n }
end.parse!

summary = Summary.new
ARGF.each_line { |line| summary.add(line) }
puts summary.report(options[:limit])
warn "#{summary.skipped} lines were not understood" if summary.skipped.positive?
