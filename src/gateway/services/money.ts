// Amounts as Stripe writes them: integers of a currency's smallest unit (docs.stripe.com/currencies).

/** No decimals. ISK and UGX have none either, but Stripe counts them in hundredths. */
const WHOLE = new Set("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split(" "))
const THOUSANDTHS = new Set("bhd jod kwd omr tnd".split(" "))

/** `49.00 usd` of 4900 and `usd`; undefined where either is of another form. */
export function formatAmount(units: string, currency: string): string | undefined {
  const code = currency.toLowerCase()
  if (!/^-?\d{1,15}$/.test(units) || !/^[a-z]{3}$/.test(code)) return undefined
  const decimals = WHOLE.has(code) ? 0 : THOUSANDTHS.has(code) ? 3 : 2
  const [, sign = "", digits = ""] = /^(-?)0*(\d+)$/.exec(units) ?? []
  if (decimals === 0) return `${sign}${digits} ${code}`
  const padded = digits.padStart(decimals + 1, "0")
  return `${sign}${padded.slice(0, -decimals)}.${padded.slice(-decimals)} ${code}`
}
