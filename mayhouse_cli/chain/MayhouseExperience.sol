// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// @title The sandbox's twin of the deployed MayhouseExperience contract.
/// @notice The deployed contract cannot be changed, so this one repeats its behaviour, hazards
/// included: the guards against them can only be tested where they can still happen. Lines marked
/// HAZARD are therefore kept on purpose. Never deploy it where money is real.
contract MayhouseExperience {
    enum EventRunStatus {
        Created,
        Active,
        Full,
        Completed,
        Cancelled
    }

    enum BookingStatus {
        Active,
        Completed,
        NoShow,
        Cancelled
    }

    struct EventRun {
        uint256 eventRunId;
        address host;
        string experienceId;
        uint256 pricePerSeat;
        uint256 maxSeats;
        uint256 seatsBooked;
        uint256 hostStake;
        uint256 eventTimestamp;
        EventRunStatus status;
        bool hostStakeWithdrawn;
        uint256 createdAt;
    }

    struct Booking {
        uint256 bookingId;
        uint256 eventRunId;
        address user;
        uint256 seatCount;
        uint256 totalPayment;
        uint256 userStake;
        BookingStatus status;
        uint256 bookedAt;
    }

    // The order is the storage layout (slots 0 to 9), which readers of raw storage rely on.
    address public owner;
    uint256 public platformFeePercentage = 5;
    uint256 public stakePercentage = 20;
    uint256 private eventRunCounter;
    mapping(uint256 => EventRun) public eventRuns;
    mapping(uint256 => Booking) public bookings;
    mapping(uint256 => uint256[]) public eventRunBookings;
    mapping(address => uint256[]) public userBookings;
    mapping(address => uint256[]) public hostEventRuns;
    uint256 private bookingCounter;

    event EventRunCreated(
        uint256 indexed eventRunId,
        address indexed host,
        string experienceId,
        uint256 pricePerSeat,
        uint256 maxSeats,
        uint256 hostStake
    );
    event BookingCreated(
        uint256 indexed bookingId,
        uint256 indexed eventRunId,
        address indexed user,
        uint256 seatCount,
        uint256 totalPayment,
        uint256 userStake
    );
    event EventCompleted(uint256 indexed eventRunId, uint256 hostPayout, uint256 hostStakeReturned);
    event BookingCompleted(uint256 indexed bookingId, address indexed user, uint256 stakeReturned);
    event BookingNoShow(uint256 indexed bookingId, address indexed user, uint256 stakeForfeit);
    event EventCancelled(uint256 indexed eventRunId, uint256 refundsIssued);
    // Part of the interface; settling emits nothing of it, as the deployed contract's gas shows.
    event StakeWithdrawn(address indexed recipient, uint256 amount, string stakeType);

    modifier onlyOwner() {
        require(msg.sender == owner, "Only owner can call this");
        _;
    }

    modifier eventRunExists(uint256 eventRunId) {
        require(eventRuns[eventRunId].host != address(0), "Event run does not exist");
        _;
    }

    // HAZARD: ownership is fixed for ever; a lost owner key cannot be replaced.
    constructor() {
        owner = msg.sender;
    }

    receive() external payable {}

    /// @notice Opens an event run of the sender. HAZARD: anyone may, and any experience id will do.
    function createEventRun(
        string memory experienceId,
        uint256 pricePerSeat,
        uint256 maxSeats,
        uint256 eventTimestamp
    ) external payable returns (uint256) {
        require(pricePerSeat > 0, "Price must be greater than 0");
        require(maxSeats > 0, "Must have at least 1 seat");
        // HAZARD: no upper limit, so a timestamp in milliseconds locks the stake for ages.
        require(eventTimestamp > block.timestamp, "Event must be in the future");
        // HAZARD: a tiny price makes the required stake 0.
        require(
            msg.value >= calculateRequiredStake(pricePerSeat, maxSeats),
            "Insufficient stake amount"
        );

        uint256 eventRunId = ++eventRunCounter;
        eventRuns[eventRunId] = EventRun({
            eventRunId: eventRunId,
            host: msg.sender,
            experienceId: experienceId,
            pricePerSeat: pricePerSeat,
            maxSeats: maxSeats,
            seatsBooked: 0,
            hostStake: msg.value, // all of it, also what is above the required stake
            eventTimestamp: eventTimestamp,
            status: EventRunStatus.Active,
            hostStakeWithdrawn: false,
            createdAt: block.timestamp
        });
        hostEventRuns[msg.sender].push(eventRunId);

        emit EventRunCreated(
            eventRunId,
            msg.sender,
            experienceId,
            pricePerSeat,
            maxSeats,
            msg.value
        );
        return eventRunId;
    }

    /// @notice Books seats for the sender. HAZARD: anyone may book any event.
    function bookEvent(
        uint256 eventRunId,
        uint256 seatCount
    ) external payable eventRunExists(eventRunId) returns (uint256) {
        EventRun storage run = eventRuns[eventRunId];
        require(run.status == EventRunStatus.Active, "Event is not accepting bookings");
        require(seatCount > 0, "Must book at least 1 seat");
        require(run.seatsBooked + seatCount <= run.maxSeats, "Not enough seats available");
        require(block.timestamp < run.eventTimestamp, "Event has already occurred");

        (uint256 payment, uint256 stake, uint256 total) = priceOf(run, seatCount);
        // HAZARD: what is sent above the total is neither returned nor recorded.
        require(msg.value >= total, "Insufficient payment + stake");

        uint256 bookingId = ++bookingCounter;
        bookings[bookingId] = Booking({
            bookingId: bookingId,
            eventRunId: eventRunId,
            user: msg.sender,
            seatCount: seatCount,
            totalPayment: payment,
            userStake: stake,
            status: BookingStatus.Active,
            bookedAt: block.timestamp
        });
        eventRunBookings[eventRunId].push(bookingId);
        userBookings[msg.sender].push(bookingId);

        run.seatsBooked += seatCount;
        if (run.seatsBooked == run.maxSeats) {
            run.status = EventRunStatus.Full; // HAZARD: nothing ever makes it Active again
        }

        emit BookingCreated(bookingId, eventRunId, msg.sender, seatCount, payment, stake);
        return bookingId;
    }

    /// @notice Settles the event: whoever is not listed is a no-show and loses the stake.
    /// HAZARD: an empty list forfeits every stake, and there is no settling in parts.
    function completeEvent(
        uint256 eventRunId,
        uint256[] memory attendedBookingIds
    ) external eventRunExists(eventRunId) {
        EventRun storage run = eventRuns[eventRunId];
        require(
            msg.sender == run.host || msg.sender == owner,
            "Only host or owner can complete event"
        );
        require(block.timestamp >= run.eventTimestamp, "Event has not occurred yet");
        requireOpen(run);

        uint256 revenue = settleAttended(eventRunId, attendedBookingIds);
        revenue += settleNoShows(eventRunId);

        // HAZARD: today's fee applies, not the one at booking. It stays here, as do no-show stakes.
        uint256 hostPayout = revenue - (revenue * platformFeePercentage) / 100;
        uint256 hostStake = run.hostStake;
        run.status = EventRunStatus.Completed;
        run.hostStakeWithdrawn = true;
        payable(run.host).transfer(hostPayout);
        payable(run.host).transfer(hostStake);

        emit EventCompleted(eventRunId, hostPayout, hostStake);
    }

    /// @notice Refunds every active booking in full and returns the host stake.
    /// HAZARD: the host alone may, even after the event, and the owner cannot help out.
    function cancelEvent(uint256 eventRunId) external eventRunExists(eventRunId) {
        EventRun storage run = eventRuns[eventRunId];
        require(msg.sender == run.host, "Only host can call this");
        requireOpen(run);

        run.status = EventRunStatus.Cancelled;
        run.hostStakeWithdrawn = true;
        uint256 refundsIssued = refundBookings(eventRunId);
        uint256 hostStake = run.hostStake;
        payable(run.host).transfer(hostStake);

        emit EventCancelled(eventRunId, refundsIssued);
    }

    function updatePlatformFee(uint256 newPercentage) external onlyOwner {
        require(newPercentage <= 10, "Fee cannot exceed 10%");
        platformFeePercentage = newPercentage;
    }

    function updateStakePercentage(uint256 newPercentage) external onlyOwner {
        require(newPercentage <= 50, "Stake cannot exceed 50%");
        stakePercentage = newPercentage;
    }

    /// @notice HAZARD: sends the whole balance, the escrow of open events included.
    function withdrawPlatformFees() external onlyOwner {
        uint256 balance = address(this).balance;
        require(balance > 0, "No fees to withdraw");
        payable(owner).transfer(balance);
    }

    /// @notice HAZARD: sends the whole balance, the escrow of open events included.
    function emergencyWithdraw() external onlyOwner {
        payable(owner).transfer(address(this).balance);
    }

    /// @notice HAZARD: an unknown id reads as zeros instead of reverting; so do the other getters.
    function getEventRun(uint256 eventRunId) external view returns (EventRun memory) {
        return eventRuns[eventRunId];
    }

    function getBooking(uint256 bookingId) external view returns (Booking memory) {
        return bookings[bookingId];
    }

    function getEventBookings(uint256 eventRunId) external view returns (uint256[] memory) {
        return eventRunBookings[eventRunId];
    }

    function getUserBookings(address user) external view returns (uint256[] memory) {
        return userBookings[user];
    }

    function getHostEvents(address host) external view returns (uint256[] memory) {
        return hostEventRuns[host];
    }

    function calculateBookingCost(
        uint256 eventRunId,
        uint256 seatCount
    )
        external
        view
        eventRunExists(eventRunId)
        returns (uint256 payment, uint256 stake, uint256 total)
    {
        return priceOf(eventRuns[eventRunId], seatCount);
    }

    function calculateRequiredStake(
        uint256 pricePerSeat,
        uint256 seats
    ) public view returns (uint256) {
        return (pricePerSeat * seats * stakePercentage) / 100;
    }

    function priceOf(
        EventRun storage run,
        uint256 seatCount
    ) private view returns (uint256 payment, uint256 stake, uint256 total) {
        payment = run.pricePerSeat * seatCount;
        stake = (payment * stakePercentage) / 100;
        total = payment + stake;
    }

    function requireOpen(EventRun storage run) private view {
        require(
            run.status != EventRunStatus.Completed && run.status != EventRunStatus.Cancelled,
            "Event already finalized"
        );
    }

    /// @dev Returns what the attended bookings paid, without their stakes.
    function settleAttended(
        uint256 eventRunId,
        uint256[] memory bookingIds
    ) private returns (uint256 revenue) {
        for (uint256 i = 0; i < bookingIds.length; i++) {
            Booking storage booking = bookings[bookingIds[i]];
            require(booking.eventRunId == eventRunId, "Booking not for this event");
            require(booking.status == BookingStatus.Active, "Booking not active");

            booking.status = BookingStatus.Completed;
            revenue += booking.totalPayment;
            // HAZARD: one payee whose code needs more than 2300 gas blocks the event for all.
            payable(booking.user).transfer(booking.userStake);
            emit BookingCompleted(bookingIds[i], booking.user, booking.userStake);
        }
    }

    /// @dev Returns what the no-shows paid: the host earns it, their stakes stay in the contract.
    function settleNoShows(uint256 eventRunId) private returns (uint256 revenue) {
        uint256[] storage bookingIds = eventRunBookings[eventRunId];
        // HAZARD: the loop is unbounded, so a large event cannot be settled in one transaction.
        for (uint256 i = 0; i < bookingIds.length; i++) {
            Booking storage booking = bookings[bookingIds[i]];
            if (booking.status == BookingStatus.Active) {
                booking.status = BookingStatus.NoShow;
                revenue += booking.totalPayment;
                emit BookingNoShow(bookingIds[i], booking.user, booking.userStake);
            }
        }
    }

    /// @dev Returns the sum of the refunds, payments and stakes together.
    function refundBookings(uint256 eventRunId) private returns (uint256 refunds) {
        uint256[] storage bookingIds = eventRunBookings[eventRunId];
        for (uint256 i = 0; i < bookingIds.length; i++) {
            Booking storage booking = bookings[bookingIds[i]];
            if (booking.status == BookingStatus.Active) {
                booking.status = BookingStatus.Cancelled;
                uint256 refund = booking.totalPayment + booking.userStake;
                refunds += refund;
                payable(booking.user).transfer(refund); // HAZARD: as for attended stakes
            }
        }
    }
}
