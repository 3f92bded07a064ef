# A small language for state machines.
#
#   class Door
#     include StateMachine
#     initial :closed
#     event :open, from: :closed, to: :opened
#     event :close, from: :opened, to: :closed
#   end
module StateMachine
  class InvalidTransition < StandardError; end

  Transition = Struct.new(:from, :to, :guard)

  def self.included(base)
    base.extend(ClassMethods)
  end

  module ClassMethods
    attr_reader :initial_state

    def initial(state)
      @initial_state = state
    end

    def transitions
      @transitions ||= Hash.new { |table, name| table[name] = [] }
    end

    def event(name, from:, to:, guard: nil)
      Array(from).each { |state| transitions[name] << Transition.new(state, to, guard) }
      define_method("#{name}!") { fire(name) }
      define_method("can_#{name}?") { !applicable(name).nil? }
    end
  end

  def state
    @state ||= self.class.initial_state
  end

  def history
    @history ||= [state]
  end

  private

  def applicable(name)
    self.class.transitions[name].find do |transition|
      transition.from == state && (transition.guard.nil? || instance_exec(&transition.guard))
    end
  end

  def fire(name)
    history
    transition = applicable(name)
    raise InvalidTransition, "#{name} is not possible in #{state}" unless transition

    @state = transition.to
    @history << @state
    self
  end
end
