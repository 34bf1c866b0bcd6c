// BullMQ: two lists, a hash and a lock for each job, and an event stream, moved by one script each.
//
// Takes the arguments, and prints what, the programs of the Python queues do (benchmarks/program.py),
// with the payload of benchmarks/payload.py and the probe of benchmarks/probe.py.

import fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Queue, Worker } from 'bullmq'

const WORK = 10 // milliseconds
const AT_MOST = 60e9 // nanoseconds
const LINE = 64 // bytes of each line of the journal
const SUBSCRIPTION = '7f105c7d-2dc5-4530-97cd-4e7ae6534c07'
const MESSAGES = 'users/5d1b2f60-43c8-4f0e-9a51-8a7f3cde9b24/messages'
const ID_START =
  'AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0AkRVjuXzBOUeT1c_0iuVR2gAAAAABDAAAkRVjuXzBOUeT1c_0iuVR2gAB' +
  'hYQDEapmEc2byACqAC-EWg0AkRVjuXzBOUeT1c_0i'

const { values: options, positionals: [command] } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string' },
    jobs: { type: 'string', default: '0' },
    seconds: { type: 'string', default: '0' },
    callers: { type: 'string', default: '1' },
    size: { type: 'string', default: '100' },
    rate: { type: 'string', default: '0' },
    first: { type: 'string', default: '1' },
    concurrency: { type: 'string', default: '1' },
    report: { type: 'string' },
    journal: { type: 'string' },
    works: { type: 'boolean', default: false },
    timed: { type: 'boolean', default: false },
  },
})
const [jobs, seconds, callers, size, rate, first] =
  ['jobs', 'seconds', 'callers', 'size', 'rate', 'first'].map((name) => Number(options[name]))
const server = new URL(options.url)
const connection = { host: server.hostname, port: Number(server.port), maxRetriesPerRequest: null }
const now = () => process.hrtime.bigint() // the clock of Python's time.monotonic_ns
const monotonic = () => Number(now()) / 1e9

function make(number, stamp = 0n) {
  const hex = number.toString(16).padStart(16, '0')
  const message = `${ID_START}${hex}=`
  return {
    id: hex.padStart(32, '0'),
    tenant: `tenant-${String(number % 17).padStart(2, '0')}`,
    mailbox: `mailbox-${String(number % 101).padStart(3, '0')}`,
    pointer: {
      provider: 'microsoft',
      subscription_id: SUBSCRIPTION,
      message_id: message,
      resource: `${MESSAGES}/${message}`,
    },
    enqueued_at: new Date().toISOString().replace('Z', '000+00:00'),
    traceparent: `00-${stamp.toString(16).padStart(32, '0')}-${hex}-01`,
  }
}

const kept = { removeOnComplete: true, removeOnFail: true, attempts: 5 }

class Producer {
  constructor() {
    this.queue = new Queue('benchmark', { connection })
  }

  enqueue(number, stamp) {
    return this.queue.add('handle', make(number, stamp), kept)
  }

  enqueueMany(from, count) {
    const numbers = Array.from({ length: count }, (_, index) => from + index)
    return this.queue.addBulk(numbers.map((n) => ({ name: 'handle', data: make(n), opts: kept })))
  }

  async run(what) {
    await this.queue.waitUntilReady()
    if (what === 'enqueueFor') await this.enqueue(0)
    const begun = monotonic()
    const done = await this[what](begun)
    console.log(JSON.stringify({ jobs: done, jobs_per_second: done / (monotonic() - begun) }))
    process.exit(0)
  }

  async enqueueFor(begun) {
    let number = 0
    const call = async () => {
      while (monotonic() < begun + seconds) await this.enqueue(++number)
    }
    await Promise.all(Array.from({ length: callers }, call))
    return number
  }

  async batch(begun) {
    let done = 0
    for (; monotonic() < begun + seconds; done += size) await this.enqueueMany(done, size)
    return done
  }

  async fill() {
    for (let done = 0; done < jobs; done += size) {
      await this.enqueueMany(first + done, Math.min(size, jobs - done))
    }
    return jobs
  }

  async pace(begun) {
    for (let turn = 0; turn < jobs; turn++) {
      const early = begun + turn / rate - monotonic()
      if (early > 0) await sleep(early * 1000)
      await this.enqueue(first + turn, now())
    }
    return jobs
  }
}

class Probe {
  ended = 0
  begun = 0n
  waits = []
  journal = options.journal && fs.openSync(options.journal, 'a')

  async run(traceparent) {
    this.begin(traceparent)
    if (options.works) await sleep(WORK)
    this.end(traceparent)
  }

  begin(traceparent) {
    const moment = now()
    this.begun ||= moment
    const stamp = BigInt(`0x${traceparent.slice(3, 35)}`)
    if (options.timed && stamp) this.waits.push(Number(moment - stamp))
    this.note('begun', traceparent)
  }

  end(traceparent) {
    this.note('ended', traceparent)
    if (++this.ended === 1) fs.writeFileSync(options.report.replace(/\.\w+$/, '.ready'), '')
    if (this.isOver()) this.writeReport()
  }

  note(what, traceparent) {
    if (!this.journal) return
    const number = parseInt(traceparent.slice(36, 52), 16)
    const line = `${what} ${number} ${now()} ${process.pid}`
    fs.writeSync(this.journal, `${line.padEnd(LINE - 1)}\n`) // see LINE in probe.py
  }

  isOver() {
    if (options.timed) return this.waits.length === jobs
    return this.ended >= jobs || (this.ended % 256 === 0 && now() - this.begun > AT_MOST)
  }

  writeReport() {
    if (fs.existsSync(options.report)) return
    const lasted = Number(now() - this.begun) / 1e9
    const content = {
      jobs: this.ended,
      jobs_per_second: (this.ended - 1) / lasted,
      waits: this.waits.sort((one, other) => one - other),
    }
    fs.writeFileSync(`${options.report}.unfinished`, JSON.stringify(content))
    fs.renameSync(`${options.report}.unfinished`, options.report)
  }
}

if (command === 'work') {
  const probe = new Probe()
  const worker = new Worker('benchmark', (job) => probe.run(job.data.traceparent), {
    connection,
    concurrency: Number(options.concurrency),
  })
  worker.on('error', () => {})
} else {
  await new Producer().run(command === 'enqueue' ? 'enqueueFor' : command)
}
