# frozen_string_literal: true

# Formats rows as a Markdown table with aligned columns.
class MarkdownTable
  ALIGNMENTS = { left: ":--", right: "--:", center: ":-:" }.freeze

  def initialize(*headers)
    @headers = headers.map(&:to_s)
    @alignments = Array.new(headers.size, :left)
    @rows = []
  end

  def align(column, how)
    raise ArgumentError, "unknown alignment #{how}" unless ALIGNMENTS.key?(how)

    @alignments[column] = how
    self
  end

  def <<(row)
    unless row.size == @headers.size
      raise ArgumentError, "expected #{@headers.size} cells, got #{row.size}"
    end

    @rows << row.map { |cell| escape(cell.to_s) }
    self
  end

  def to_s
    lines = [line(@headers), line(rulers)]
    lines.concat(@rows.map { |row| line(row) })
    lines.join("\n")
  end

  private

  def escape(text)
    text.gsub("|", "\\|").gsub("\n", " ")
  end

  def widths
    @widths ||= [@headers, *@rows].transpose.map { |cells| [3, *cells.map(&:length)].max }
  end

  def rulers
    @alignments.each_with_index.map do |how, i|
      mark = ALIGNMENTS.fetch(how)
      mark[0] + "-" * (widths[i] - 2) + mark[-1]
    end
  end

  def line(cells)
    padded = cells.each_with_index.map do |cell, i|
      case @alignments[i]
      when :right then cell.rjust(widths[i])
      when :center then cell.center(widths[i])
      else cell.ljust(widths[i])
      end
    end
    "| #{padded.join(' | ')} |"
  end
end
