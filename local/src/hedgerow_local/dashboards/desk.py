"""What a desk and its risk officer look at: orders, exposure against bands, hedges, prices, halts."""

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as models

from hedgerow_local.dashboards.panels import DATASOURCE, Query, board, graph, listing, number


def desk() -> dashboard.Dashboard:
    """The dashboard `hedgerow-desk`."""
    return board(
        "hedgerow-desk",
        "Hedgerow: desk",
        "Client orders, exposure against bands, hedges and prices.",
        number(
            "Outside their band",
            "Exposures that are outside their band now.",
            "sum(hedgerow_net_exposure_usd > bool hedgerow_band_upper_usd) "
            "+ sum(hedgerow_net_exposure_usd < bool hedgerow_band_lower_usd)",
            red_from=1,
        ),
        number(
            "Halted", "Strategies that a halt stands against.", "sum(hedgerow_strategy_halted)", red_from=1
        ),
        number(
            "Unknown orders",
            "Sent, and the venue has not told what became of them. Each blocks its leg.",
            "sum(hedgerow_intents_unknown)",
            red_from=1,
        ),
        number(
            "Unknown past deadline",
            "Unknown for longer than the strategy allows: a person should look.",
            "sum(hedgerow_intents_unknown_overdue)",
            red_from=1,
        ),
        number(
            "Venue against ledger",
            "Differences at the last reconciliation.",
            "sum(hedgerow_reconciliation_discrepancies)",
            red_from=1,
        ),
        number(
            "Client orders waiting",
            "Limit orders whose price was not reached.",
            "sum(hedgerow_client_orders_resting)",
            red_from=None,
        ),
        graph(
            "Net exposure against its band",
            "Client books plus the strategy's own hedge, at the mark.",
            Query(_of_strategy("hedgerow_net_exposure_usd"), "{{strategy}} {{underlying}}"),
            Query(_of_strategy("hedgerow_band_upper_usd"), "{{strategy}} upper"),
            Query(_of_strategy("hedgerow_band_lower_usd"), "{{strategy}} lower"),
            unit="currencyUSD",
        ),
        graph(
            "Exposure before the hedge",
            "What the client books alone amount to.",
            Query(_of_strategy("hedgerow_unhedged_exposure_usd"), "{{strategy}} {{underlying}}"),
            unit="currencyUSD",
        ),
        graph(
            "Hedge positions",
            "Each strategy's own position, signed, in contracts.",
            Query(_of_strategy("hedgerow_hedge_position_contracts"), "{{strategy}} {{instrument}}"),
        ),
        graph(
            "Hedges filled",
            "Contracts filled per second.",
            Query(
                "sum by (instrument, side) (rate(hedgerow_hedge_filled_contracts_total[1m]))",
                "{{side}} {{instrument}}",
            ),
        ),
        graph(
            "Client orders received",
            "Orders per second at the gateway, each once however often it was sent.",
            Query(
                "sum by (symbol, side) (rate(hedgerow_client_orders_received_total[1m]))",
                "{{side}} {{symbol}}",
            ),
            unit="reqps",
        ),
        graph(
            "Client orders filled",
            "Fills per second, at entry or after resting.",
            Query(
                "sum by (symbol, side) (rate(hedgerow_client_orders_filled_total[1m]))",
                "{{side}} {{symbol}}",
            ),
            unit="reqps",
        ),
        graph(
            "Prices",
            "Mid of the newest valid book of each instrument.",
            Query("hedgerow_mid_price", "{{instrument}}"),
        ),
        graph(
            "Decisions",
            "Per second, by outcome: Hedge, or the reason to hold.",
            Query("sum by (outcome) (rate(hedgerow_decisions_total[1m]))", "{{outcome}}"),
            unit="ops",
        ),
        graph(
            "Loan to value",
            "Debt over collateral after haircuts, of strategies with an LTV ladder; a gap while it cannot be valued.",
            Query(_of_strategy("hedgerow_loan_ltv_ratio"), "{{strategy}}"),
            unit="percentunit",
        ),
        graph(
            "Distance to liquidation",
            "How far the price of a collateral may move before the lender sells it; 0 when it may already.",
            Query(_of_strategy("hedgerow_loan_liquidation_distance_ratio"), "{{strategy}} {{asset}}"),
            unit="percentunit",
        ),
        listing(
            "Ladder",
            "The state in which each LTV ladder stands.",
            Query("max by (strategy, state) (hedgerow_ltv_state)"),
        ),
        listing(
            "Why it does not trade",
            "The reason of each strategy's newest decision to hold.",
            Query("max by (strategy, reason) (hedgerow_strategy_holding)"),
        ),
        graph(
            "Refused by a control",
            "Intents that were decided and not sent, by the control's code.",
            Query("sum by (code) (increase(hedgerow_refusals_total[5m]))", "{{code}}"),
        ),
        variables=[_strategies()],
    )


def _of_strategy(metric: str) -> str:
    return f'{metric}{{strategy=~"$strategy"}}'


def _strategies() -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable("strategy")
        .label("Strategy")
        .datasource(DATASOURCE)
        .query("label_values(hedgerow_net_exposure_usd, strategy)")
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)
        .include_all(True)
    )
