"""The settings of `mayhouse balance`: which wallets are watched, and who is told."""

from typing import Final

from mayhouse_cli.config import readers
from mayhouse_cli.config.setting import Setting
from mayhouse_cli.models import parse_address
from mayhouse_cli.money import parse_eth

WATCHING: Final = (
    Setting(
        "balance_warning_eth",
        parse_eth,
        "`mayhouse balance check` warns below this.",
        default="0.2",
        unit="ETH",
    ),
    Setting(
        "balance_critical_eth",
        parse_eth,
        "`mayhouse balance check` is critical below this.",
        default="0.1",
        unit="ETH",
    ),
    Setting(
        "treasury_address",
        parse_address,
        "The wallet that the platform's wallet is topped up from.",
        otherwise="no treasury is watched",
        example="0x1111111111111111111111111111111111111111",
    ),
    Setting(
        "treasury_wallet",
        readers.text,
        "Name of the treasury's keystore, which `mayhouse balance topup` signs with.",
        otherwise="no top-ups",
        example="treasury",
    ),
    Setting(
        "treasury_password",
        readers.text,
        "The password of the treasury's keystore; never in a config file itself.",
        secret=True,
        file_allowed=False,
        otherwise="asked for at a terminal",
        verbatim=True,
        environment_last=True,
    ),
    Setting(
        "topup_target_eth",
        parse_eth,
        "Below balance_warning_eth the platform's wallet is filled up to this.",
        unit="ETH",
        otherwise="no top-ups",
        example="1",
    ),
    Setting(
        "topup_daily_cap_eth",
        parse_eth,
        "Top-ups send no more than this in any 24 hours.",
        unit="ETH",
        otherwise="as topup_target_eth",
        example="2",
    ),
    Setting(
        "treasury_warning_eth",
        parse_eth,
        "The check warns when the treasury is below this.",
        unit="ETH",
        otherwise="as the platform's",
        example="1",
    ),
    Setting(
        "treasury_critical_eth",
        parse_eth,
        "The check is critical when the treasury is below this.",
        unit="ETH",
        otherwise="as the platform's",
        example="0.5",
    ),
    Setting(
        "host_warning_eth",
        parse_eth,
        "The check warns when another wallet of ours that hosts open events, an earlier signer, "
        "is below this.",
        unit="ETH",
        otherwise="as the platform's",
        example="0.05",
    ),
    Setting(
        "host_critical_eth",
        parse_eth,
        "The check is critical when such a host is below this.",
        unit="ETH",
        otherwise="as the platform's",
        example="0.02",
    ),
    Setting(
        "quote_float_hours",
        readers.positive,
        "Quotes of so many hours that are not booked yet count as ETH that will be needed.",
        default="24",
        unit="hours",
    ),
    Setting(
        "balance_recovery_margin_percent",
        readers.positive,
        "A wallet is announced as recovered only so far above its threshold.",
        default="10",
        unit="%",
    ),
    Setting(
        "webhook_url",
        readers.web_address,
        "Where `mayhouse balance check --notify` posts a change of state; Slack's format.",
        secret=True,
        example="https://hooks.slack.com/services/YOUR/WEB/HOOK",
    ),
)
