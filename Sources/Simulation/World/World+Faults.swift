import Gossip
import Node
import Primitives

// Machines that stop and start, links that are cut and mended.
extension World {
    func onCrash(_ crash: Plan.Crash) {
        let host = self.hosts[crash.host]
        guard host.isUp, !self.isHealed else { return }
        guard crash.during == .anyTime else {
            host.doom = crash
            return
        }
        self.counts.crashes += 1
        let kind = crash.isPowerLoss ? "loses power" : "is killed"
        self.tell("\(host.name) \(kind) at height \(host.height)")
        // The first write of each lane is under way; those behind it have not begun.
        for lane in host.lanes {
            guard let first = lane.first else { continue }
            host.disk.crash(during: first.write, &self.diskChance)
        }
        for number in self.network.numbers(of: host.index) {
            self.lose(number, host, crash)
        }
        host.loseMemory()
        self.queue.add(.start(host.index), at: self.now + crash.downNs)
    }

    /// The other side of a connection hears of a crash: at once if a system is left to say it.
    private func lose(_ number: Int, _ host: Host, _ crash: Plan.Crash) {
        guard let connection = self.network.connections[number] else { return }
        self.network.forget(number)
        for end in connection.ends where end.host != host.index && end.generation >= 0 {
            guard !end.isClosed else { continue }
            let delay = self.network[host.index, end.host].delayNs
            let silence = crash.isPowerLoss ? min(Network.stallNs, crash.downNs) : 0
            let input = Node.Input.gossip(.closed(end.id, reason: "reset"))
            self.queue.add(
                .input(end.host, generation: end.generation, input),
                at: self.now + silence + delay)
        }
    }

    /// A machine starts with what is on its disk.
    func start(_ index: Int) {
        let host = self.hosts[index]
        guard !host.isUp else { return }
        let restart: Restart
        do throws(Restart.Fault) {
            restart = try Restart(
                host, self.genesis, self.genesisBlock, foldBlocks: self.plan.foldBlocks,
                wallMs: host.drift.wallMs(at: self.now))
        } catch {
            return self.fail(.failure, "\(host.name) does not start: \(error)")
        }
        host.chain = restart.chain
        host.node = Node(
            config: self.config(of: host),
            seed: Chance.digest(
                self.plan.seed, .node, index: 1_000 * host.generation + host.index))
        self.tell("\(host.name) starts at height \(restart.restored.height)")
        let isAwaited = self.people.contains { person in
            if case .submitted = person.phase { true } else { false }
        }
        if host.generation > 0, isAwaited {
            self.returned = (self.now, self.chainWatch.height)
        }
        self.step(index, host.generation, .wallets(self.wallets(of: host)))
        for input in restart.replay { host.chainInputs.append(input) }
        self.step(index, host.generation, .start(restart.restored))
    }

    func onCut(_ partition: Plan.Partition) {
        self.counts.cuts += 1
        self.tell("the network is cut: \(self.names(partition.side)) cannot reach the others")
        self.change(partition, by: 1)
    }

    func onMend(_ partition: Plan.Partition) {
        self.tell("the network is whole again for \(self.names(partition.side))")
        self.change(partition, by: -1)
        self.resumeAll()
    }

    private func change(_ partition: Plan.Partition, by step: Int) {
        for from in self.hosts.indices {
            for to in self.hosts.indices {
                let isFar = partition.side >> UInt64(from) & 1 == 1
                guard isFar != (partition.side >> UInt64(to) & 1 == 1) else { continue }
                self.network[from, to].cuts += step
            }
        }
    }

    private func resumeAll() {
        for number in Array(self.network.connections.keys) {
            for end in 0...1 {
                for at in self.network.resume(number, from: end, now: self.now) {
                    self.queue.add(.arrived(number, from: end), at: at)
                }
            }
        }
    }

    /// The end of the faults: from here on everything must become final everywhere.
    func onHeal() {
        self.tell("the faults end")
        self.isHealed = true
        if self.plan.scenario != .canary {
            for from in self.hosts.indices {
                for to in self.hosts.indices { self.network[from, to].cuts = 0 }
            }
        }
        self.resumeAll()
        for host in self.hosts where !host.isUp { self.start(host.index) }
        self.queue.add(.poll, at: self.now + 500_000_000)
    }

    private func names(_ side: UInt64) -> String {
        self.hosts.filter { side >> UInt64($0.index) & 1 == 1 }.map(\.name)
            .joined(separator: ", ")
    }
}
