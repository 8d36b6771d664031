// N1 to N5: ways out that are not the gate.
import { createSocket } from "node:dgram"
import { Resolver } from "node:dns"
import { lookup } from "node:dns/promises"
import { readFileSync } from "node:fs"
import { isIPv6 } from "node:net"
import { networkInterfaces } from "node:os"
import { broke, config, held, none, proxied, refused, statusOf, systemCall, tryConnect, unknown } from "./tools.mjs"

/** Public resolvers and sites: nothing is sent but the attempt to connect. */
const PUBLIC = ["1.1.1.1", "8.8.8.8", "9.9.9.9"]
const PUBLIC_IPV6 = ["2606:4700:4700::1111", "2001:4860:4860::8888"]
const METADATA = ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "169.254.170.2"]

const connectAll = (targets) =>
  Promise.all(
    targets.map(async ({ host, port }) => [
      `${host} port ${port}`,
      (await tryConnect({ host, port })).outcome === "connected",
    ]),
  )

/**
 * Whether the kernel knows a way to an address. To connect a datagram socket (connect(2)) looks one up and sends nothing, so that this
 * does not go by what lies behind: on a machine without a network, too, there is none in a box alone.
 */
const hasRoute = (host) =>
  new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(host) ? "udp6" : "udp4")
    const done = (error) => {
      socket.close()
      // No socket at all says nothing of ways.
      if (["EMFILE", "ENFILE", "ENOMEM", "ENOBUFS"].includes(error?.code)) reject(error)
      else resolve(error === undefined || error === null)
    }
    // That it cannot be bound, as without IPv6, is not told to who connects it.
    socket.once("error", done)
    socket.connect(443, host, done)
  })
const routesTo = (hosts) => Promise.all(hosts.map(async (host) => [`a route to ${host}`, await hasRoute(host)]))

const each = (hosts, ports) => hosts.flatMap((host) => ports.map((port) => ({ host, port })))

/** Whether a datagram could be handed to a network. */
const sends = (host, port) =>
  new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? "udp6" : "udp4")
    const done = (sent) => {
      socket.close()
      resolve(sent)
    }
    socket.on("error", () => done(false))
    socket.bind(0, () => {
      // Without it nothing is sent to everybody, wherever this is.
      socket.setBroadcast(!isIPv6(host))
      socket.send("nanoguard", port, host, (error) => done(error === null || error === undefined))
    })
  })
const sendAll = (targets) =>
  Promise.all(targets.map(async ({ host, port }) => [`datagram to ${host} port ${port}`, await sends(host, port)]))

/** Whether anybody answers a question about a name, be it that there is none. */
const resolves = (server) =>
  new Promise((resolve) => {
    const resolver = new Resolver({ timeout: 700, tries: 1 })
    resolver.setServers([server])
    resolver.resolve4(`${config.canary}.example.com`, (error) =>
      resolve(error === null || ["ENOTFOUND", "ENODATA", "ESERVFAIL", "EREFUSED"].includes(error.code)),
    )
  })

function configuredResolvers() {
  try {
    return [...readFileSync("/etc/resolv.conf", "utf8").matchAll(/^nameserver\s+(\S+)/gm)].map((match) => match[1])
  } catch {
    return []
  }
}

export const probes = [
  {
    ...{ id: "tcp-public", item: "N1", title: "TCP to public addresses" },
    run: async () => none([...(await connectAll(each(PUBLIC, [443, 80, 53]))), ...(await routesTo(PUBLIC))]),
  },
  {
    ...{ id: "metadata", item: "N1", title: "addresses of cloud metadata, directly and through the gate" },
    run: async () => {
      const direct = [...(await connectAll(each(METADATA, [80]))), ...(await routesTo(METADATA))]
      const names = [...METADATA.map((host) => (isIPv6(host) ? `[${host}]` : host)), "metadata.google.internal"]
      const through = []
      for (const host of names) {
        const status = statusOf(await proxied("GET", `http://${host}/latest/meta-data/`))
        through.push([`${host} through the gate`, status >= 200 && status < 400])
      }
      return none([...direct, ...through])
    },
  },
  {
    ...{ id: "udp", item: "N2", title: "UDP, QUIC, multicast and broadcast" },
    run: async () =>
      none(
        await sendAll([
          ...each(PUBLIC, [53, 443]),
          ...each(["224.0.0.251", "239.255.255.250"], [5353]),
          { host: "255.255.255.255", port: 67 },
        ]),
      ),
  },
  {
    ...{ id: "ipv6", item: "N2", title: "IPv6" },
    run: async () => none([...(await connectAll(each(PUBLIC_IPV6, [443, 53]))), ...(await routesTo(PUBLIC_IPV6))]),
  },
  {
    ...{ id: "icmp", item: "N2", title: "ICMP and raw IP sockets" },
    run: () => {
      const raw = systemCall("socket", 2, 3, 1)
      if (raw === undefined) return unknown("neither perl nor python3 is here")
      return raw.result >= 0 ? broke("a raw socket") : held(raw.errno)
    },
  },
  { ...{ id: "packet-socket", item: "N2", title: "packet sockets" }, run: () => refused("socket", 17, 3, 768) },
  {
    ...{ id: "vsock", item: "N2", title: "AF_VSOCK, towards the machine's own host" },
    run: () => refused("socket", 40, 1, 0),
  },
  {
    ...{ id: "sctp", item: "N2", title: "SCTP" },
    run: () => {
      const made = systemCall("socket", 2, 1, 132)
      if (made === undefined) return unknown("neither perl nor python3 is here")
      if (made.result < 0) return held(made.errno)
      const others = Object.keys(networkInterfaces()).filter((name) => name !== "lo")
      return others.length === 0 ? held("a socket, and nowhere to send with it") : broke("a socket, and a network")
    },
  },
  {
    ...{ id: "interfaces", item: "N2", title: "network interfaces other than loopback" },
    run: () => {
      const others = Object.keys(networkInterfaces()).filter((name) => name !== "lo")
      return others.length === 0 ? held("loopback alone") : broke(others.join(", "))
    },
  },
  {
    ...{ id: "no-proxy", item: "N3", title: "going past the proxy ends at once" },
    run: async () => {
      const { outcome, took } = await tryConnect({ host: PUBLIC[0], port: 443 }, 5000)
      if (outcome === "connected") return broke("connected")
      if (await hasRoute(PUBLIC[0])) return broke(`there is a way past it, and only its end is shut (${outcome})`)
      return took < 1000 ? held(outcome) : broke(`refused only after ${Math.round(took)} ms (${outcome})`)
    },
  },
  {
    ...{ id: "dns", item: "N4", title: "names resolved by anybody but the gate" },
    run: async () => {
      const servers = [
        ...new Set([...configuredResolvers(), "127.0.0.11", "127.0.0.53", ...PUBLIC, ...config.hostAddresses]),
      ]
      const asked = await Promise.all(
        servers.map(async (server) => [`resolver ${server}`, await resolves(server).catch(() => false)]),
      )
      const local = await lookup(`${config.canary}.example.com`).then(
        () => true,
        () => false,
      )
      return none([...asked, ["the system's resolver", local], ...(await connectAll(each(PUBLIC, [853])))])
    },
  },
  {
    ...{ id: "doh", item: "N4", title: "DNS over HTTPS through the gate" },
    run: async () => {
      const name = `${config.canary}.example.com`
      const attempts = []
      for (const url of [
        `http://cloudflare-dns.com/dns-query?name=${name}`,
        `http://dns.google/resolve?name=${name}`,
      ]) {
        const status = statusOf(await proxied("GET", url))
        attempts.push([url, status >= 200 && status < 400])
      }
      return none(attempts)
    },
  },
  {
    ...{ id: "host-services", item: "N5", title: "services of the host at its bridge and other addresses" },
    run: async () => {
      const usual = [
        "172.17.0.1",
        "10.88.0.1",
        "10.0.2.2",
        "192.168.64.1",
        "192.168.65.2",
        "host.docker.internal",
        "host.containers.internal",
      ]
      const hosts = [...new Set([...config.hostAddresses, ...usual])]
      return none(await connectAll(each(hosts, [config.hostPort, 22, 8471])))
    },
  },
  {
    ...{ id: "neighbours", item: "N6", title: "other containers" },
    run: async () => {
      const usual = ["172.17.0.2", "172.17.0.3", "10.88.0.2", "10.88.0.3"]
      const hosts = [...new Set([...config.neighbours.map(({ host }) => host), ...usual])]
      const connected = await connectAll([...config.neighbours, ...each(usual, [80, 8471])])
      return none([...connected, ...(await routesTo(hosts))])
    },
  },
]
