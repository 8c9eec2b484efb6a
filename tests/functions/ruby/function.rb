# frozen_string_literal: true

# A function with Sentry's Ruby SDK and a runtime loop of its own.
#
# Environment, event and answer: tests/system/sdk_functions.py.
# Runtime loop: AWS docs, "Using the Lambda runtime API for custom runtimes".

require 'json'
require 'net/http'
require 'securerandom'
require 'sentry-ruby'

BASE = '/2018-06-01/runtime/invocation'
BALLAST = 100_000 # bytes that do not compress: from 30 KiB on the SDK does

Sentry.init do |config|
  # Each capture sends before it returns: a thread of the SDK would be frozen with its queue.
  config.background_worker_threads = 0
  config.traces_sample_rate = 1.0
end

def transaction(name)
  whole = Sentry.start_transaction(name: name, op: 'function')
  3.times { |step| whole.with_child_span(op: 'step', description: "step #{step}") {} }
  whole.finish
end

def burst(marker, count)
  Array.new(count) do |number|
    "#{marker}-#{number}".tap { |text| Sentry.capture_exception(RuntimeError.new(text)) }
  end
end

def large(marker)
  Sentry.with_scope do |scope|
    scope.set_extras(ballast: SecureRandom.base64(BALLAST))
    Sentry.capture_exception(RuntimeError.new(marker))
  end
end

# Sessions are counted per minute, and none has a name of its own.
def session
  Sentry.with_session_tracking {}
  Sentry.session_flusher.flush
end

def handle(event)
  marker = event.fetch('marker')
  sent = [marker]
  case event.fetch('case')
  when 'error', 'limited' then Sentry.capture_exception(RuntimeError.new(marker))
  when 'transaction' then transaction(marker)
  when 'session' then session
  when 'large' then large(marker)
  when 'burst' then sent = burst(marker, event.fetch('count', 1))
  else return { sent: [], skipped: 'SDK has none' }
  end
  { sent: sent }
end

host, port = ENV.fetch('AWS_LAMBDA_RUNTIME_API').split(':')
Net::HTTP.start(host, port.to_i, nil, read_timeout: nil) do |platform|
  loop do
    invocation = platform.get("#{BASE}/next")
    answer = handle(JSON.parse(invocation.body))
    platform.post("#{BASE}/#{invocation['Lambda-Runtime-Aws-Request-Id']}/response", JSON.generate(answer))
  end
end
