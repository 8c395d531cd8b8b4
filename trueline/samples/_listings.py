"""Listings: the words of the invented events. No phrase of one tag is used for another; the asides fit any event."""

# What a listing about each tag says. `tea` is part of `steam` and `team` too, so a rule by substring is fooled.
TAG_PHRASES: dict[str, tuple[str, ...]] = {
    "chess": (
        *("Openings and endgames for every strength", "Bring a clock and a notation pad", "A blitz round after supper"),
        *("Our grandmaster plays twenty boards at once", "Learn how a knight and a bishop give mate"),
        *("Pairings are posted on the wall", "Juniors play rooks and pawns", "The chess ladder is reset this week"),
    ),
    "choir": (
        *("Altos and tenors are badly needed", "We rehearse four-part harmony", "Sight-reading is no must"),
        *("A conductor from the conservatory leads us", "Madrigals, rounds and a short cantata"),
        *("Sopranos please warm up beforehand", "The choir sings from memory", "Hymn books are on the chairs"),
    ),
    "crafts": (
        *("Bring wool and your needles", "Learn to throw a bowl on the wheel", "Weaving for beginners on small looms"),
        *("We glaze and fire on the spot", "A quilt grows patch by patch", "Crafts for patient hands"),
        *("Bookbinding with waxed thread", "Carve a spoon out of birch", "Dyeing with onion skins"),
    ),
    "cycling": (
        *("Forty miles with two climbs", "Helmets are compulsory", "Mend a puncture in five minutes"),
        *("The peloton leaves on the whistle", "Gravel tyres are wise", "Cycling at a talking pace"),
        *("A mechanic trues your wheels", "We ride out along the canal", "Spare inner tubes are in the van"),
    ),
    "debate": (
        *("The motion is put by two speakers", "Heckling is part of the rules", "A vote is taken at the close"),
        *("Rebuttals are two minutes long", "Points of order are welcome", "Proposers and opposers draw lots"),
        *("An evening of debate on the town's roads", "The chair keeps the speakers' list"),
    ),
    "falconry": (
        *("A peregrine stoops to the lure", "Owls are shown on the glove", "Falconry as it was done of old"),
        *("Keep dogs away from the hawks", "The austringer explains jesses and hoods"),
    ),
    "film": (
        *("A silent film with a live piano", "The director answers questions afterwards", "Shot on sixteen millimetre"),
        *("Subtitles in English", "A projectionist shows the booth", "Three shorts and a feature"),
        *("A restored print from the archive", "Popcorn is sold before the reel starts"),
    ),
    "garden": (
        *("Swap seedlings over the fence", "Prune an old garden apple", "The garden behind the school is open"),
        *("Compost for a garden without the smell", "Bring a fork and boots", "We lift the dahlias together"),
        *("Mulch is delivered at nine", "Beds are let by the season", "Tomatoes want a cloche in May"),
    ),
    "indoor": (
        *("Cloakroom by the stairs", "The hall is heated", "Seats are in rows", "Shoes off on the parquet"),
        *("The lift reaches the second floor", "Doors close when the room is full"),
    ),
    "market": (
        *("Thirty stalls around the pump", "Stallholders set up at dawn", "Bric-a-brac and vinyl by the crate"),
        *("The market goes on in any weather", "Haggling is expected", "Cheese, bread and honey from nearby farms"),
        *("Pitches cost eight pounds", "Bring bags and small change"),
    ),
    "open": (
        *("Everybody is welcome", "No membership is needed", "Just turn up", "All comers, no invitation"),
        *("Strangers are as welcome as friends", "Anyone may walk in"),
    ),
    "outdoor": (
        *("Sunscreen is wise", "Meet under the clock tower", "We start on the green", "Blankets on the grass"),
        *("If it rains we stand under the arches", "Sturdy shoes for muddy paths"),
    ),
    "robotics": (
        *("Solder your first board", "Line followers race at the end", "Servos and sensors are provided"),
        *("Program an arm that stacks cubes", "Robotics for twelve and over", "Laptops with a compiler, please"),
        *("Batteries are charged beforehand", "We print gears while you wait"),
    ),
    "tea": (
        *("Tea and scones on the lawn tables", "A pot of Assam for every table", "Taste six oolongs"),
        *("Brewing times matter more than leaves", "Cake stands are refilled", "The urn is on from three"),
        *("Crumpets with salted butter", "Porcelain older than the house"),
    ),
    "theatre": (
        *("Two acts and an interval", "The understudies have their night", "Auditions follow the reading"),
        *("Costumes by the wardrobe circle", "A farce with seven entrances", "The prompter sits stage left"),
        *("Theatre in the round", "Props are wanted: a harp, a stuffed goose"),
    ),
}
TITLES: dict[str, tuple[str, ...]] = {
    "chess": ("Knights and Pawns", "Blitz Thursday", "Sixty-Four Squares"),
    "choir": ("Sing Along Sunday", "Voices of Northwick", "The Harmony Hour"),
    "crafts": ("Made by Hand", "Wool and Clay", "The Makers' Bench"),
    "cycling": ("Two Wheels Out", "The Canal Ride", "Spokes and Hills"),
    "debate": ("This House Believes", "For and Against", "The Long Table Argues"),
    "falconry": ("Birds of the Glove", "Hawks over Northwick"),
    "film": ("The Late Reel", "Matinee of Silents", "Shorts after Dark"),
    "garden": ("Dig In", "Seeds and Seedlings", "A Garden Morning"),
    "market": ("The Saturday Stalls", "Crates and Barrows", "Pump Square Trading"),
    "robotics": ("Bots on the Bench", "Gears and Code", "The Soldering Club"),
    "tea": ("The Four O'Clock Pot", "Scones and Company", "A Proper Brew"),
    "theatre": ("Curtain at Eight", "The Players' Night", "Act Two"),
}
# For any event, whatever it is about; (one|other) is a choice.
OPENINGS = (
    "Back for its (third|fourth|fifth|ninth|twelfth) (season|year|run), and (better|bigger|calmer|louder) for it.",
    "A (new|quiet|lively|long-planned) (evening|afternoon|morning) for (neighbours|the curious|old friends|the town).",
    "By (popular|repeated|urgent) (demand|request|wish), we do it (again|once more|all over).",
    "(Put|Mark|Write) it (down|in your diary|on the fridge): the (first|second|third|last) (Friday|Sunday|Monday).",
    "(Postponed|Moved|Delayed) from (spring|last month|the autumn), now it is (sure|settled|certain).",
    "The (committee|volunteers|caretakers|founders) (invite|ask|welcome) you (warmly|gladly|once again).",
)
ASIDES = (
    "Doors at (6|7|8)(pm| pm|:30pm), and we (begin|start) (on the dot|a little later|when most are there).",
    "Entry is (free|£3|£5|£8|by donation), (children|students|members) (half price|free|as they like).",
    "The (full team|whole team|steam engine|night bus) (is|will be) there (too|as ever|for once).",
    "(Parking|The tram|The bus|The ferry) is (close by|a short walk away|five minutes off).",
    "(Ask|Call|Write to|Find) (Joan|Amir|Petra|Colm|Wanda) (if in doubt|for a lift|about the rest|to help).",
    "(Bring|Take along) (a friend|your sister|someone new|a neighbour) and (a mug|some cash|good cheer|patience).",
    "(Photographs|Recordings|Phones) are (fine|welcome|unwelcome) (throughout|at the end|in moderation).",
    "We (finish|end|pack up) (by ten|before the last bus|when the caretaker says so|at eleven sharp).",
    "(Dogs|Prams|Wheelchairs|Umbrellas) (are no trouble|find room|can be left at the door).",
    "(Last year|In May|Last time) (forty|sixty|ninety|two hundred) came, so (hurry|come early|be patient).",
    "Profits go to the (roof|library|lifeboat|school) (fund|appeal|account).",
    "(Supper|Soup|Squash|Cider) is (sold|served|shared) (in the interval|from six|until it is gone).",
)
HALLS = (
    *("Corn Exchange", "Mill Lane Rooms", "St Bride's", "The Old Brewery", "Wharf House", "Parish Hall", "The Annexe"),
    *("Kiln Yard", "Quarry Field", "Lock Cottage", "The Bandstand", "Union Rooms", "Elm Court", "The Foundry"),
)
STREETS = ("Mill Lane", "High Street", "Quay Road", "Station Parade", "Chapel Hill", "Orchard Way", "Canal Walk")
